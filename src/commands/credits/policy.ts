import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { policyText, writeJson } from '../../cli/credits-view.ts';
import { gridFlag, numberFlag } from '../../cli/flags.ts';
import { openCredits } from '../../cli/open-credits.ts';
import type { PolicyChange } from '../../runtime/ledger/requests.ts';
import { BASIS_POINTS, parseCredits } from '../../runtime/protocol/credits.ts';

const creditsFlag = Flags.custom({ parse: async (text: string) => parseCredits(text), helpValue: 'CREDITS' });
const timesFlag = (tier: string) =>
  numberFlag(tier, { min: 0, max: 100 })({
    description: `What jobs of the tier ${tier} cost, as a multiple of the rates.`,
    helpValue: 'TIMES',
  });

export default class CreditsPolicy extends BaseCommand {
  static override summary = 'Show what the operator of a grid has decided about credits, or decide it.';
  static override description =
    'A change holds for jobs that are submitted from then on; what is reserved is settled as it was.';
  static override examples = [
    '<%= config.bin %> credits policy',
    '<%= config.bin %> credits policy --allowance 5 --share 2.5 --priority 3',
  ];

  static override flags = {
    grid: gridFlag,
    allowance: creditsFlag({ description: 'Given once to each account with its first job.' }),
    minimum: creditsFlag({ description: 'Must be left to an account when it submits a job.' }),
    share: numberFlag('share', { min: 0, max: 100 })({
      description: "The operator's part of what a job costs, in percent.",
      helpValue: 'PERCENT',
    }),
    priority: timesFlag('priority'),
    standard: timesFlag('standard'),
    bulk: timesFlag('bulk'),
    input: creditsFlag({
      description: 'For a million tokens of prompt, for a model without a price.',
      dependsOn: ['output'],
    }),
    output: creditsFlag({ description: 'The same for output.', dependsOn: ['input'] }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CreditsPolicy);
    const change = changeOf(flags);
    await using credits = await openCredits(flags.grid);
    const policy =
      Object.keys(change).length > 0 ? await credits.changePolicy(change) : await credits.policy();
    if (flags.json) writeJson({ grid: credits.name, ...policy });
    else process.stdout.write(policyText(policy));
  }
}

type Asked = Awaited<ReturnType<CreditsPolicy['parse']>>['flags'] & {
  readonly [name in 'allowance' | 'minimum' | 'input' | 'output']?:
    | ReturnType<typeof parseCredits>
    | undefined;
} & { readonly [name in 'share' | 'priority' | 'standard' | 'bulk']?: number | undefined };

function changeOf({
  allowance,
  minimum,
  share,
  priority,
  standard,
  bulk,
  input,
  output,
}: Asked): PolicyChange {
  const times = (value: number | undefined) => value !== undefined && Math.round(value * BASIS_POINTS);
  const tiers = Object.fromEntries(
    Object.entries({ priority: times(priority), standard: times(standard), bulk: times(bulk) }).filter(
      ([, value]) => value !== false,
    ),
  );
  return {
    ...(allowance !== undefined && { allowance }),
    ...(minimum !== undefined && { minimumBalance: minimum }),
    ...(share !== undefined && { operatorShare: Math.round(share * 100) }),
    ...(Object.keys(tiers).length > 0 && { tiers }),
    ...(input !== undefined && output !== undefined && { rates: { input, output } }),
  };
}

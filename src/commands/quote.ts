import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { modelReference } from '../cli/ensure-model.ts';
import { gridFlag } from '../cli/flags.ts';
import { readInput } from '../cli/input.ts';
import { submitFlags } from '../cli/job-flags.ts';
import { priceFlags, withMaxPrice } from '../cli/price-flags.ts';
import { tellQuote } from '../cli/quote.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { promptArg, textFlags, textJob } from '../cli/text-job.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectGrid } from '../runtime/config/select-grid.ts';
import { modelNameOnGrid } from '../runtime/grids/open.ts';

export default class Quote extends BaseCommand {
  static override summary = 'Say what a prompt would cost at most, and run nothing.';
  static override description =
    'The prompt is the words given, or stdin, or both, as for `aipg gen`, whose --dry-run says the same with all its flags. Exit code 5 where --max-price is exceeded.';
  static override examples = [
    '<%= config.bin %> quote "What is the capital of France?"',
    '<%= config.bin %> quote -n 200 --tier bulk "Write a haiku."',
    '$ cat report.txt | <%= config.bin %> quote "Sum this up." --json',
  ];

  static override args = { prompt: promptArg };

  static override flags = {
    model: Flags.string({
      char: 'm',
      description: 'A name or alias, or hf:org/repo[:QUANT|:file.gguf].',
      helpValue: 'MODEL',
    }),
    system: textFlags.system,
    'max-tokens': textFlags['max-tokens'],
    raw: textFlags.raw,
    tier: submitFlags.tier,
    'max-price': priceFlags['max-price'],
    grid: gridFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Quote);
    const paths = resolvePaths();
    using stop = stopSignal();
    const { signal } = stop;
    const { prompt } = await readInput(args.prompt ?? [], flags, { paths, signal });
    const reference = modelReference(flags.model, paths);
    const choice = selectGrid({ paths, asked: flags.grid });
    const model = choice.where === 'bus' ? await modelNameOnGrid(reference) : undefined;
    const asked = textJob(prompt, flags, { model, timeoutMs: undefined });
    const job = withMaxPrice({ ...asked, tier: flags.tier ?? asked.tier }, flags['max-price']);
    await tellQuote(job, { choice, paths, reference, json: flags.json, signal });
  }
}

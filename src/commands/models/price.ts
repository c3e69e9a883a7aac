import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { gridFlag } from '../../cli/flags.ts';
import { creditsAmountFlag } from '../../cli/price-flags.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class ModelsPrice extends BaseCommand {
  static override summary = 'Tell what the tokens of models cost, or set it.';
  static override description =
    `Without a MODEL: the rate card of the grid. With one: what its file on this machine would cost by its header; with --grid, what it costs there.
An operator sets a price with --input and --output, in credits per million tokens.`;
  static override examples = [
    '<%= config.bin %> models price',
    '<%= config.bin %> models price ./model.gguf',
    '<%= config.bin %> models price aipg-tiny --input 0.05 --output 0.2',
  ];

  static override args = {
    model: Args.string({
      ignoreStdin: true,
      description: 'A name or a part of one, an alias, or a path.',
    }),
  };

  static override flags = {
    input: creditsAmountFlag({
      description: 'Credits for a million tokens of prompt.',
      helpValue: 'CREDITS',
      dependsOn: ['output'],
    }),
    output: creditsAmountFlag({
      description: 'Credits for a million tokens of output.',
      helpValue: 'CREDITS',
      dependsOn: ['input'],
    }),
    grid: gridFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModelsPrice);
    const { input, output } = flags;
    const paths = resolvePaths();
    using stop = stopSignal();
    const { signal } = stop;
    const prices = await import('../../cli/prices.ts');
    const machine = { env: process.env, cacheDir: paths.cache, configDir: paths.config, signal };
    if (input !== undefined && output !== undefined) {
      if (args.model === undefined) {
        throw new AipgError('usage', 'A price is that of a model, and none is named.', {
          hint: 'aipg models price MODEL --input CREDITS --output CREDITS',
        });
      }
      const rates = { input, output };
      return await prices.setPrice(args.model, rates, { ...flags, machine, signal });
    }
    if (args.model !== undefined && flags.grid === undefined) {
      return await prices.tellFilePrice(args.model, { ...flags, machine });
    }
    await prices.tellRateCard({ ...flags, model: args.model, signal });
  }
}

import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/ensure-model.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { formatBytes } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class ModelsRm extends BaseCommand {
  static override summary = 'Remove a model from the Hugging Face cache.';
  static override description =
    `In every revision that the cache has of it. What another model or file shares with it stays.
Other tools that use the cache lose it too. Asks first on a terminal; elsewhere it needs --yes.`;
  static override examples = [
    '<%= config.bin %> models rm llama',
    '<%= config.bin %> models rm hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M --yes',
  ];

  static override args = {
    model: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'A name or an unambiguous part of one, an alias, or hf:org/repo[:QUANT|:file.gguf].',
    }),
  };

  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'Do not ask.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModelsRm);
    const paths = resolvePaths();
    using stop = stopSignal();
    const [{ locateModel }, { planRemoval, removeModel }] = await Promise.all([
      import('../../runtime/models/locate.ts'),
      import('../../runtime/models/remove-model.ts'),
    ]);
    const where = { env: process.env, configDir: paths.config };
    const model = await locateModel(args.model, where).catch((error: unknown) => {
      if (!(error instanceof AipgError) || error.code !== 'model-not-found') throw error;
      // What would get it is of no use to whoever wants to be rid of it.
      throw new AipgError(error.code, error.message, { hint: 'See those that there are: aipg models' });
    });
    const plan = await planRemoval(model, process.env);
    const freed = formatBytes(plan.freedBytes);
    if (!flags.yes) {
      if (!process.stdin.isTTY || !process.stderr.isTTY) {
        throw new AipgError('usage', `Nobody can be asked whether ${model.name} may be removed.`, {
          hint: `Say so with: aipg models rm ${args.model} --yes`,
        });
      }
      const question = `Remove ${model.name} and free ${freed}?`;
      if (!(await confirm(question, { signal: stop.signal, byDefault: false }))) {
        process.stderr.write('Nothing was removed.\n');
        return;
      }
    }
    await removeModel(plan);
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ name: model.name, freedBytes: plan.freedBytes })}\n`);
    } else process.stderr.write(`Removed ${model.name}; ${freed} are free again.\n`);
  }
}

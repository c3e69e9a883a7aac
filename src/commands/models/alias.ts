import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class ModelsAlias extends BaseCommand {
  static override summary = 'Give a model a short name, list these names, or remove one.';
  static override description =
    'An alias is taken wherever a model is. It may stand for a model that is not on this machine yet.';
  static override examples = [
    '<%= config.bin %> models alias llama hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    '<%= config.bin %> models alias',
    '<%= config.bin %> models alias --rm llama',
  ];

  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'The short name.' }),
    model: Args.string({ ignoreStdin: true, description: 'What it stands for: any model reference.' }),
  };

  static override flags = {
    rm: Flags.string({ description: 'Remove an alias.', helpValue: 'NAME', exclusive: ['name'] }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModelsAlias);
    const paths = resolvePaths();
    const { readAliases, removeAlias, setAlias } = await import('../../runtime/models/aliases.ts');
    let note = '';
    let aliases = readAliases(paths);
    if (flags.rm !== undefined) {
      if (args.name !== undefined) {
        throw new AipgError('usage', `--rm ${flags.rm} and the alias ${args.name} do not go together.`, {
          hint: 'Give one of them.',
        });
      }
      aliases = await removeAlias(paths, flags.rm);
      note = `Removed ${flags.rm}.`;
    } else if (args.name !== undefined && args.model !== undefined) {
      const { aliasTarget } = await import('../../runtime/models/alias-target.ts');
      const target = await aliasTarget(args.model, { env: process.env, configDir: paths.config });
      aliases = await setAlias(paths, args.name, target);
      note = `${args.name} stands for ${target}.`;
    } else if (args.name !== undefined) {
      throw new AipgError('usage', `The alias ${args.name} needs a model.`, {
        hint: `Write: aipg models alias ${args.name} hf:org/repo:QUANT`,
      });
    }
    if (flags.json) process.stdout.write(`${JSON.stringify({ aliases })}\n`);
    else if (note !== '') process.stderr.write(`${note}\n`);
    else await this.#list(aliases);
  }

  async #list(aliases: Readonly<Record<string, string>>): Promise<void> {
    const rows = Object.entries(aliases).sort(([a], [b]) => a.localeCompare(b));
    if (rows.length === 0) {
      process.stderr.write('There are no aliases. Make one: aipg models alias NAME MODEL\n');
      return;
    }
    const { table } = await import('../../cli/model-output.ts');
    process.stdout.write(`${table([{ title: 'ALIAS' }, { title: 'MODEL' }], rows).join('\n')}\n`);
  }
}

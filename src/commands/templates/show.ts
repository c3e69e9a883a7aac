import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class TemplatesShow extends BaseCommand {
  static override summary = 'Show a template: its file, or what was read of it as JSON.';
  static override examples = [
    '<%= config.bin %> templates show summary',
    '<%= config.bin %> templates show ./summary.yaml --json',
  ];

  static override args = {
    name: Args.string({ required: true, description: 'A name, or the path of a .yaml file.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TemplatesShow);
    const [{ readTemplate }, { templateVariables }, { readFile }] = await Promise.all([
      import('../../runtime/templates/read.ts'),
      import('../../runtime/templates/render.ts'),
      import('node:fs/promises'),
    ]);
    const template = await readTemplate(args.name, resolvePaths());
    if (flags.json) {
      const variables = templateVariables(template);
      process.stdout.write(`${JSON.stringify({ ...template, variables })}\n`);
      return;
    }
    const text = await readFile(template.path, 'utf8');
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }
}

import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { paint, withoutControls } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class Templates extends BaseCommand {
  static override summary = 'List the templates for `aipg gen -t`.';
  static override description =
    'A template is a YAML file with a prompt, its variables and parameters. See docs/templates.md.';
  static override examples = ['<%= config.bin %> templates', '<%= config.bin %> templates --json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Templates);
    const { listTemplates } = await import('../../runtime/templates/list.ts');
    const { templatesFolder } = await import('../../runtime/templates/folder.ts');
    const paths = resolvePaths();
    const templates = await listTemplates(paths);
    if (flags.json) {
      const rows = templates.map(({ description, error, ...row }) => ({
        ...row,
        description: description ?? null,
        error: error ?? null,
      }));
      process.stdout.write(`${JSON.stringify({ folder: templatesFolder(paths), templates: rows })}\n`);
      return;
    }
    if (templates.length === 0) {
      process.stderr.write(`There is no template yet. Write one as ${templatesFolder(paths)}/NAME.yaml.\n`);
      return;
    }
    const { bold, dim, red } = paint(process.stdout);
    const width = Math.max(...templates.map(({ name }) => name.length));
    for (const { name, description, variables, error } of templates) {
      const list = variables.map((variable) =>
        variable.default === undefined ? variable.name : `${variable.name}=${variable.default}`,
      );
      const about = error === undefined ? (description ?? '') : red(withoutControls(error));
      const line = [bold(name.padEnd(width)), firstLine(about), dim(firstLine(list.join(' ')))];
      process.stdout.write(
        `${line
          .filter((part) => part !== '')
          .join('  ')
          .trimEnd()}\n`,
      );
    }
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

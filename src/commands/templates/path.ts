import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class TemplatesPath extends BaseCommand {
  static override summary = 'Print the folder that templates are read from.';
  static override examples = ['<%= config.bin %> templates path'];

  async run(): Promise<void> {
    const { flags } = await this.parse(TemplatesPath);
    const { templatesFolder } = await import('../../runtime/templates/folder.ts');
    const folder = templatesFolder(resolvePaths());
    process.stdout.write(`${flags.json ? JSON.stringify({ folder }) : folder}\n`);
  }
}

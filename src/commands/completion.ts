import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { completionScript, SHELLS } from '../cli/completion/scripts.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print the script by which a shell completes aipg.';
  static override description = `To install it, for new terminals:
  bash  add to ~/.bashrc: source <(aipg completion bash)
  zsh   add to ~/.zshrc:  source <(aipg completion zsh)
  fish  run: aipg completion fish > ~/.config/fish/completions/aipg.fish
It completes commands, flags and their values, the names of models and of grids, and files.`;
  static override examples = [
    '$ source <(<%= config.bin %> completion bash)',
    '$ <%= config.bin %> completion fish > ~/.config/fish/completions/aipg.fish',
  ];
  static override args = {
    shell: Args.string({ required: true, ignoreStdin: true, options: SHELLS, description: 'Your shell.' }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const shell = SHELLS.find((each) => each === args.shell) ?? 'bash';
    process.stdout.write(completionScript(shell, this.config.bin));
  }
}

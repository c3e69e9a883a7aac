import { Command, Flags } from '@oclif/core';
import { reportError } from './report-error.ts';

/** What all commands share: how they speak of errors. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'Print JSON; errors too, on stderr.', helpGroup: 'GLOBAL' }),
    debug: Flags.boolean({ description: 'Show the stack with an error.', hidden: true, helpGroup: 'GLOBAL' }),
  };

  protected override async catch(error: Error): Promise<void> {
    reportError(error, { json: this.argv.includes('--json'), debug: this.argv.includes('--debug') });
  }
}

import process from 'node:process';
import { Command, Config, Flags, type Interfaces } from '@oclif/core';
import { endWithError } from './report-error.ts';

/** What all commands share: how they start and how they speak of errors. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'Print JSON; errors too, on stderr.', helpGroup: 'GLOBAL' }),
    debug: Flags.boolean({ description: 'Show the stack with an error.', hidden: true, helpGroup: 'GLOBAL' }),
  };

  /** As oclif's, without loading a second time the configuration that it was loaded by. */
  static override async run<T extends Command>(
    this: new (
      argv: string[],
      config: Config,
    ) => T,
    argv?: string[],
    options?: Interfaces.LoadOptions,
  ): Promise<ReturnType<T['run']>> {
    const config = options instanceof Config ? options : await Config.load(options);
    const command: Command = new this(argv ?? process.argv.slice(2), config);
    return await (command as BaseCommand)._run<ReturnType<T['run']>>();
  }

  protected override async catch(error: Error): Promise<void> {
    endWithError(error, {
      json: this.argv.includes('--json'),
      debug: this.argv.includes('--debug'),
      command: this.id?.replaceAll(':', ' '),
    });
  }
}

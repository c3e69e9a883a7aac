import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { gridFlag } from '../../cli/flags.ts';
import { parseJobId } from '../../cli/job-flags.ts';
import { openBusGrid } from '../../cli/open-bus-grid.ts';

export default class JobsCancel extends BaseCommand {
  static override summary = 'End jobs, wherever they are.';
  static override description =
    'A running job’s slot is free within one token. A job that has ended stays as it is.';
  static override examples = ['<%= config.bin %> jobs cancel q62wwpxjrs6hcgfvdh0dvcj01c'];

  static override args = {
    job: Args.string({ required: true, multiple: true, ignoreStdin: true, description: 'Ids of jobs.' }),
  };
  static override flags = { grid: gridFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobsCancel);
    const ids = args.job.map(parseJobId);
    await using grid = await openBusGrid(flags.grid);
    let isPaid = false;
    for (const id of ids) {
      const job = grid.job(id);
      const cancelled = await job.cancel('cancelled by hand');
      const { status } = await job.view();
      if (flags.json) process.stdout.write(`${JSON.stringify({ job: id, cancelled, status })}\n`);
      else process.stderr.write(cancelled ? `Cancelled ${id}.\n` : `${id} had ended already: ${status}.\n`);
      isPaid ||= cancelled && (await job.charge()) !== undefined;
    }
    if (isPaid && !flags.json) {
      process.stderr.write(
        'What was delivered until then is paid for, unless by your own worker: aipg ledger log\n',
      );
    }
  }
}

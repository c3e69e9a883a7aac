import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { durationFlag, gridFlag } from '../../cli/flags.ts';
import { jobArg, parseJobId } from '../../cli/job-flags.ts';
import { AnswerWriter, followJob } from '../../cli/job-output.ts';
import { openBusGrid } from '../../cli/open-bus-grid.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { WaitingLine } from '../../cli/waiting-line.ts';

export default class JobsResult extends BaseCommand {
  static override summary = 'Print the answer of a job, waiting for it if need be.';
  static override description =
    'Works from any terminal of the account, for 7 days. Exit codes are those of gen; Ctrl-C stops waiting, not the job.';
  static override examples = [
    'id=$(<%= config.bin %> gen --detach "Tell me a story about a fox.")',
    '<%= config.bin %> jobs result q62wwpxjrs6hcgfvdh0dvcj01c',
  ];

  static override args = { job: jobArg };
  static override flags = {
    grid: gridFlag,
    timeout: durationFlag('timeout')({
      description: 'Stop waiting after this long, such as 30s or 2m.',
      helpValue: 'TIME',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobsResult);
    using stop = stopSignal(flags.timeout);
    await using grid = await openBusGrid(flags.grid, stop.signal);
    const job = grid.job(parseJobId(args.job));
    using waiting = new WaitingLine();
    const { text, outcome } = await followJob(job, () => undefined, stop.signal, {
      onEvent: (event) => waiting.show(event),
      cancelOnStop: false,
    });
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ id: job.id, text, ...outcome })}\n`);
      return;
    }
    const writer = new AnswerWriter();
    writer.write(text);
    writer.end();
  }
}

import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { gridFlag } from '../../cli/flags.ts';
import { jobArg, parseJobId } from '../../cli/job-flags.ts';
import { AnswerWriter, followJob } from '../../cli/job-output.ts';
import { openBusGrid } from '../../cli/open-bus-grid.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { formatDuration, paint, withoutControls } from '../../cli/terminal.ts';
import { WaitingLine } from '../../cli/waiting-line.ts';
import type { JobView } from '../../runtime/protocol/replies.ts';

export default class JobsShow extends BaseCommand {
  static override summary = 'Tell all that a grid knows of a job; follow its output as it comes.';
  static override examples = [
    '<%= config.bin %> jobs show q62wwpxjrs6hcgfvdh0dvcj01c',
    '<%= config.bin %> jobs show q62wwpxjrs6hcgfvdh0dvcj01c --follow',
  ];

  static override args = { job: jobArg };
  static override flags = {
    grid: gridFlag,
    follow: Flags.boolean({
      char: 'f',
      description: 'Print the output from its beginning until the job ends.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobsShow);
    using stop = stopSignal();
    await using grid = await openBusGrid(flags.grid, stop.signal);
    const job = grid.job(parseJobId(args.job));
    if (!flags.follow) {
      const view = await job.view();
      process.stdout.write(flags.json ? `${JSON.stringify(view)}\n` : render(view, Date.now()));
      return;
    }
    const writer = new AnswerWriter();
    using waiting = new WaitingLine();
    try {
      await followJob(job, (text) => writer.write(text), stop.signal, {
        onEvent: (event) => waiting.show(event),
        cancelOnStop: false,
      });
    } finally {
      writer.end();
    }
  }
}

function render(view: JobView, now: number): string {
  const { bold, dim } = paint(process.stdout);
  const { job, status, model, acceptedAt, endedAt, attempts, place, estimateMs, output, final } = view;
  const ago = (at: number) => `${formatDuration(Math.max(0, now - at))} ago`;
  const lines = [`${bold(job)}  ${status}`];
  if (model !== undefined) lines.push(`model     ${withoutControls(model)}`);
  if (acceptedAt !== undefined) lines.push(`accepted  ${ago(acceptedAt)}`);
  if (endedAt !== undefined) lines.push(`ended     ${ago(endedAt)}`);
  if (place !== undefined) {
    const estimate = estimateMs === undefined ? '' : `, about ${formatDuration(estimateMs)}`;
    lines.push(`place     ${place}${estimate}`);
  }
  for (const { attempt, worker, newTokens = 0, end, reason } of attempts) {
    const ended =
      end === undefined ? '' : `  ${end}${reason === undefined ? '' : `: ${withoutControls(reason)}`}`;
    lines.push(`attempt   ${attempt} on ${worker}, ${newTokens} tokens${ended}`);
  }
  if (final?.type === 'failed') lines.push(`failed    ${withoutControls(final.error.message)}`);
  if (final?.type === 'cancelled') lines.push(`cancelled ${withoutControls(final.reason)}`);
  if (output && output.text !== '') lines.push('', withoutControls(output.text));
  else if (status === 'waiting' || status === 'running') lines.push(dim('no output yet'));
  return `${lines.join('\n')}\n`;
}

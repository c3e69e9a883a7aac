import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { durationFlag, gridFlag, numberFlag } from '../../cli/flags.ts';
import { openBusGrid } from '../../cli/open-bus-grid.ts';
import { formatDuration, paint, withoutControls } from '../../cli/terminal.ts';
import type { JobSummary } from '../../runtime/protocol/replies.ts';

const DEFAULT_SINCE_MS = 60 * 60 * 1_000;
const WEEK_MS = 7 * 24 * DEFAULT_SINCE_MS;

export default class Jobs extends BaseCommand {
  static override summary = 'List the jobs of a grid: unfinished ones, and those that ended lately.';
  static override examples = ['<%= config.bin %> jobs', '<%= config.bin %> jobs --since 24h --json'];

  static override flags = {
    grid: gridFlag,
    since: durationFlag('since', { max: WEEK_MS })({
      description: 'How far back ended jobs are listed, such as 10m or 24h. Default: 1h.',
      helpValue: 'TIME',
    }),
    limit: numberFlag('limit', { min: 1, max: 1_000, integer: true })({
      char: 'n',
      description: 'Most jobs to list, the newest.',
      default: 100,
      helpValue: 'N',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Jobs);
    await using grid = await openBusGrid(flags.grid);
    const now = Date.now();
    const jobs = await grid.jobs({ since: now - (flags.since ?? DEFAULT_SINCE_MS), limit: flags.limit });
    if (flags.json) {
      for (const job of jobs) process.stdout.write(`${JSON.stringify(job)}\n`);
      return;
    }
    if (jobs.length === 0) process.stderr.write('No jobs.\n');
    for (const job of jobs) process.stdout.write(`${render(job, now)}\n`);
  }
}

function render({ job, status, model, acceptedAt, endedAt, reason }: JobSummary, now: number): string {
  const { green, red, yellow, cyan, dim } = paint(process.stdout);
  const color = { waiting: yellow, running: cyan, done: green, failed: red, cancelled: dim }[status];
  const at = endedAt ?? acceptedAt;
  const age = at === undefined ? '' : `${formatDuration(Math.max(0, now - at))} ago`;
  const why = reason === undefined ? '' : `  ${withoutControls(reason)}`;
  return `${job}  ${color(status.padEnd('cancelled'.length))}  ${withoutControls(model ?? '')}  ${dim(age)}${why}`;
}

import { formatCredits } from '../src/runtime/protocol/credits.ts';
import type { CreditsFigures } from './checks/credits.ts';
import type { Spread } from './figures.ts';
import type { ChaosReport } from './harness.ts';

/** Problems of one check that are told one by one. */
const MAX_TOLD = 20;

/** A run in plain text. */
export function renderReport(report: ChaosReport): string {
  const { ends, figures, faults, errors, memory, problems, credits } = report;
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const lines = [
    `${report.jobs} jobs, ${total} faults, ${report.cluster ? 'cluster of 3' : 'single node'}${report.keys ? ' with keys' : ''}, ${report.seconds.toFixed(0)} s`,
    '',
    `ended            ${ends.done} done, ${ends.failed} failed, ${ends.cancelled} cancelled`,
    `lost, doubled    ${report.lost}, ${report.doubled}`,
    `rounded          ${report.rounded}`,
    ...(credits ? [`credits          ${renderCredits(credits)}`] : []),
    `jobs/s           ${figures.jobsPerSecond.toFixed(1)}`,
    `attempts         ${figures.attempts.mean.toFixed(2)} a job, ${figures.attempts.most} at most`,
    'pause of the reader, in the middle of the answer',
    `  killed         ${spread(figures.pause.killed)}`,
    `  unreachable    ${spread(figures.pause.unreachable)}`,
    'the same, with other faults under way',
    `  killed         ${spread(figures.pauseAmongFaults.killed)}`,
    `  unreachable    ${spread(figures.pauseAmongFaults.unreachable)}`,
    `bus up to token  ${spread(figures.busRestart)}`,
    `memory, most     ${counts(memory)} (MiB)`,
    `faults           ${counts(faults)}`,
    `calls refused    ${counts(errors)}`,
  ];
  if (problems.length > 0)
    lines.push('', `${problems.length} problems; what each process wrote is in ${report.folder}`);
  for (const [check, group = []] of Object.entries(Object.groupBy(problems, ({ check }) => check))) {
    lines.push(...group.slice(0, MAX_TOLD).map(({ detail }) => `  ${check}: ${detail}`));
    if (group.length > MAX_TOLD) lines.push(`  ${check}: and ${group.length - MAX_TOLD} more`);
  }
  return lines.join('\n');
}

function renderCredits({ settled, cutShort, refunded, paid, share, open, lost }: CreditsFigures): string {
  return (
    `${settled} settled, ${cutShort} of them cut short, ${refunded} refunded, ${open} open; ` +
    `${formatCredits(paid)} paid, ${formatCredits(share)} to the operator; ${lost} micro-credits lost or made`
  );
}

function spread(of: Spread | undefined): string {
  if (!of) return 'not seen';
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  return `p50 ${seconds(of.p50)}, p95 ${seconds(of.p95)}, most ${seconds(of.max)} (${of.count})`;
}

import { provisionBare } from './support/bare-bus.ts';
import { startBus } from './support/bus.ts';
import { type Child, startChild } from './support/child.ts';
import type { LoadReport, LoadRequest } from './support/load.ts';
import { median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';

const SLOTS = 16;
const ROUNDS = 7;
const ROUND_MS = 500;
const PIECES = [1, 50] as const;
const IN_FLIGHT = [1, 16, 64] as const;

interface Path {
  readonly client: Child;
  /** All that run for a job, the bus apart. */
  readonly processes: readonly Child[];
}

interface CostedReport extends LoadReport {
  readonly cpuMicrosPerJob: number;
}

/** Jobs a second through one worker whose engine answers at once, against the client library alone. */
export async function jobsPerSecond(): Promise<void> {
  await using bus = await startBus();
  await provisionBare(bus.url);
  await using director = await startChild('director', bus.url);
  await using worker = await startChild('instant-worker', bus.url, String(SLOTS));
  await using bareDirector = await startChild('bare-director', bus.url);
  await using bareWorker = await startChild('bare-worker', bus.url, String(SLOTS));
  await using aipg = await startChild('grid-client', bus.url);
  await using kept = await startChild('bare-client', bus.url, 'kept');
  await using direct = await startChild('bare-client', bus.url, 'direct');
  const paths: Path[] = [
    { client: aipg, processes: [aipg, director, worker] },
    { client: kept, processes: [kept, bareDirector, bareWorker] },
    { client: direct, processes: [direct, bareWorker] },
  ];
  const cpuMicros = async ({ processes }: Path) =>
    (await Promise.all(processes.map((child) => child.cpuMicros()))).reduce(
      (sum, us) => sum + us,
      bus.cpuMicros(),
    );

  const rows: string[][] = [];
  for (const pieces of PIECES) {
    for (const inFlight of IN_FLIGHT) {
      const load: LoadRequest = { pieces, inFlight, durationMs: ROUND_MS };
      const reports: CostedReport[][] = paths.map(() => []);
      for (let round = -1; round < ROUNDS; round++) {
        for (const [index, path] of paths.entries()) {
          const before = await cpuMicros(path);
          const report = await path.client.ask<LoadReport>(load);
          const cpuMicrosPerJob = ((await cpuMicros(path)) - before) / report.firstPieceMs.length;
          if (round >= 0) reports[index]?.push({ ...report, cpuMicrosPerJob });
        }
      }
      rows.push(row(pieces, inFlight, reports));
    }
  }
  printTable(
    `jobs-per-second: an engine that answers at once, ${SLOTS} slots, medians of ${ROUNDS} rounds of ${ROUND_MS} ms`,
    [
      ...['output', 'in flight', 'aipg', 'bare A', 'bare B', 'of A', 'of B', 'goal'],
      ...['first ms', 'A', 'B', 'CPU µs/job', 'A', 'B', 'of A'],
    ],
    rows,
    [
      'A: the client library alone, as aipg works: admission, duplicates refused, events and result kept, pieces joined.',
      'B: the client library alone, straight to the work queue, every piece a message, nothing kept.',
      'CPU: of client, director, worker and nats-server together; on a machine that does other work, the steadier number.',
    ],
  );
}

function row(pieces: number, inFlight: number, reports: readonly CostedReport[][]): string[] {
  const [ours = [], kept = [], direct = []] = reports.map((rounds) =>
    rounds.map((round) => round.jobsPerSecond),
  );
  const first = reports.map((rounds) => median(rounds.flatMap((round) => round.firstPieceMs)));
  const cpu = reports.map((rounds) => median(rounds.map((round) => round.cpuMicrosPerJob)));
  return [
    pieces === 1 ? '1 piece' : `${pieces} pieces`,
    String(inFlight),
    ...[ours, kept, direct].map((rates) => number(median(rates))),
    `× ${number(medianOfPairs(ours, kept, ratio))}`,
    `× ${number(medianOfPairs(ours, direct, ratio))}`,
    '≥ × 0.8',
    ...first.map(number),
    ...cpu.map(number),
    `× ${number(ratio(cpu[1] ?? 0, cpu[0] ?? 0))}`,
  ];
}

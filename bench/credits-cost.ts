import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startBus } from './support/bus.ts';
import { type Child, startChild } from './support/child.ts';
import { makeKeys } from './support/keys.ts';
import type { LoadReport, LoadRequest } from './support/load.ts';
import { difference, median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';

const ROUNDS = 11;
const PIECES = 50;
/** Of a bare publish, to take its median. */
const PUBLISHES = 500;

/** Who answers: nobody computes, so that all time is the grid's; or somebody does, as on a grid that is of use. */
const WORKERS = [
  {
    label: 'an engine that answers at once',
    role: 'instant-worker',
    slots: 16,
    roundMs: 500,
    inFlight: [1, 16, 64],
  },
  { label: 'the bundled model', role: 'bundled-worker', slots: 4, roundMs: 2_000, inFlight: [1, 16] },
] as const;
type WorkerPart = (typeof WORKERS)[number];

/** What a grid asks of who is on it. */
interface Grid {
  readonly name: string;
  readonly keys: boolean;
  readonly credits: boolean;
}

const GRIDS: readonly Grid[] = [
  { name: 'neither', keys: false, credits: false },
  { name: 'credits', keys: false, credits: true },
  { name: 'keys', keys: true, credits: false },
  { name: 'both', keys: true, credits: true },
];

/** Jobs a second and the time to the first piece with keys, receipts and settlement, against a grid without. */
export async function creditsCost(): Promise<void> {
  for (const worker of WORKERS) await measure(worker);
}

async function measure(worker: WorkerPart): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const bare = await barePublish();
  const clients: Child[] = [];
  for (const grid of GRIDS) clients.push(await startGrid(stack, grid, worker));
  const rows: string[][] = [];
  for (const inFlight of worker.inFlight) {
    const load: LoadRequest = { pieces: PIECES, inFlight, durationMs: worker.roundMs };
    const reports: LoadReport[][] = clients.map(() => []);
    for (let round = -1; round < ROUNDS; round++) {
      const inTurn = [...clients.entries()];
      // Who comes first does not always come first.
      for (const [index, client] of round % 2 === 0 ? inTurn : inTurn.reverse()) {
        const report = await client.ask<LoadReport>(load);
        if (round >= 0) reports[index]?.push(report);
      }
    }
    rows.push(...rowsOf(inFlight, reports));
  }
  printTable(
    `credits-cost: ${worker.label}, ${PIECES} tokens at most, ${worker.slots} slots, medians of ${ROUNDS} rounds of ${worker.roundMs} ms`,
    ['in flight', 'with', 'jobs/s', 'of neither', 'goal', 'first ms', 'more', 'goal'],
    rows,
    [
      'keys: the bus asks for keys, so that a worker does nothing by itself; credits: a ledger, receipts and settlement.',
      `A publish to a stream and its answer, without which nothing is reserved, took ${number(bare)} ms by itself.`,
    ],
  );
}

/** How long the bus takes to keep a message and say so, in milliseconds. */
async function barePublish(): Promise<number> {
  await using bus = await startBus();
  const connection = await connect({ servers: bus.url });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'BENCH', subjects: ['bench'] });
    const stream = jetstream(connection);
    const times: number[] = [];
    for (let i = 0; i < PUBLISHES; i++) {
      const startedAt = performance.now();
      await stream.publish('bench', new Uint8Array(600));
      times.push(performance.now() - startedAt);
    }
    return median(times);
  } finally {
    await connection.close();
  }
}

/** @returns the client of a grid of its own, with a director, a worker and a bus */
async function startGrid(
  stack: AsyncDisposableStack,
  { keys, credits }: Grid,
  { role, slots }: WorkerPart,
): Promise<Child> {
  const made = keys ? stack.use(await makeKeys()) : undefined;
  const { url } = stack.use(await startBus(made?.authority));
  const [director, serving, client] = made
    ? [
        await made.member('director', 'grid'),
        await made.member('worker', 'erin'),
        await made.member('user', 'alice'),
      ]
    : ['', '', ''];
  stack.use(await startChild('director', url, credits ? 'credits' : 'free', director));
  stack.use(await startChild(role, url, String(slots), serving));
  return stack.use(await startChild('grid-client', url, client));
}

function rowsOf(inFlight: number, reports: readonly LoadReport[][]): string[][] {
  const rates = reports.map((rounds) => rounds.map(({ jobsPerSecond }) => jobsPerSecond));
  const firsts = reports.map((rounds) => rounds.map(({ firstPieceMs }) => median(firstPieceMs)));
  const [baseRates = [], ...others] = rates;
  const [baseFirsts = []] = firsts;
  return [baseRates, ...others].map((of, index) => {
    const first = firsts[index] ?? [];
    const isBase = index === 0;
    const isGoal = GRIDS[index]?.name === 'both';
    return [
      String(inFlight),
      GRIDS[index]?.name ?? '',
      number(median(of)),
      isBase ? '' : `× ${number(medianOfPairs(of, baseRates, ratio))}`,
      isGoal ? '≥ × 0.8' : '',
      number(median(first)),
      isBase ? '' : `+ ${number(medianOfPairs(first, baseFirsts, difference))}`,
      isGoal && inFlight === 1 ? '≤ + 1' : '',
    ];
  });
}

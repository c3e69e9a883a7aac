import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectBus } from '../src/runtime/bus/connect.ts';
import { provision } from '../src/runtime/bus/provision.ts';
import { ensureBusServer } from '../src/runtime/bus/server/ensure.ts';
import { resolvePaths } from '../src/runtime/config/paths.ts';
import { resolveModel } from '../src/runtime/models/resolve.ts';
import { writeEndlessModel } from '../test/support/endless-model.ts';
import { Bus } from './bus.ts';
import { type CreditsFigures, checkCredits } from './checks/credits.ts';
import { checkJobs } from './checks/jobs.ts';
import { checkBus, checkProcesses } from './checks/leftovers.ts';
import type { Problem } from './checks/problem.ts';
import { FaultInjector } from './faults.ts';
import { type Figures, measure } from './figures.ts';
import { ChaosGrid } from './grid.ts';
import { makeKeys } from './keys.ts';
import { describeFault, makePlan } from './plan.ts';
import { type Ends, readEnds } from './records.ts';
import { readStreams } from './streams.ts';
import { Undisturbed } from './undisturbed.ts';

export interface ChaosOptions {
  readonly seed: string;
  readonly jobs: number;
  readonly faults: number;
  /** Longest time for the jobs, in minutes. */
  readonly minutes: number;
  /** A cluster of three nodes instead of one. */
  readonly cluster: boolean;
  /** Jobs are paid for: each client asks for an account of its own. */
  readonly credits: boolean;
  /** The bus asks for keys: directors, workers and clients have their roles' rights alone. */
  readonly keys: boolean;
  /** How long the directors may take to let go of jobs that have ended, in milliseconds; 0: that is not looked at. */
  readonly settleMs: number;
  /** Where the run writes; emptied before it. */
  readonly folder: string;
  readonly onProgress: (line: string) => void;
}

export interface ChaosReport {
  readonly seed: string;
  readonly cluster: boolean;
  readonly keys: boolean;
  readonly jobs: number;
  /** How the jobs ended. */
  readonly ends: { readonly done: number; readonly failed: number; readonly cancelled: number };
  readonly lost: number;
  readonly doubled: number;
  /** Absent where jobs are free. */
  readonly credits?: CreditsFigures;
  /** Answers in which rounding decided a token otherwise than in the undisturbed one. */
  readonly rounded: number;
  /** Faults done, by what was done and to whom. */
  readonly faults: Readonly<Record<string, number>>;
  /** Calls that the grid did not answer, by the error's code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly figures: Figures;
  /** Most memory of a process of each part, in MiB. */
  readonly memory: Readonly<Record<string, number>>;
  readonly problems: readonly Problem[];
  readonly folder: string;
}

/** In flight at each client; two clients keep six slots busy and a queue before them. */
const IN_FLIGHT = 10;
/** The share of answers in which rounding may decide a token; it was 1 in some thousand. */
const MAX_ROUNDED = 0.002;
const MEMORY_MS = 2_000;
const PROGRESS_MS = 5_000;

/** Runs a plan to its end, or to its time limit, and checks what is left of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, folder, onProgress, cluster, credits } = options;
  const plan = makePlan(options);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  onProgress(`computing ${plan.questions.length} undisturbed texts`);
  const { cache } = resolvePaths();
  const file = await resolveModel(writeEndlessModel(join(folder, 'endless.gguf')), {
    env: {},
    cacheDir: cache,
  });
  await writeFile(join(folder, 'plan.json'), JSON.stringify(plan, undefined, 1));
  await using stack = new AsyncDisposableStack();
  const undisturbed = stack.use(await Undisturbed.compute(plan, file, cache));

  const problems: Problem[] = [];
  const ended = new Set<string>();
  const server = await ensureBusServer({ cacheDir: cache });
  const keys = options.keys ? await makeKeys(join(folder, 'operator')) : undefined;
  const bus = stack.use(await Bus.start({ server, folder, nodes: cluster ? 3 : 1, trust: keys?.trust }));
  const connection = await connectBus({ url: bus.url, name: 'chaos', credentials: keys?.operator });
  stack.defer(() => connection.close());
  if (cluster) await provisionCluster(connection);
  const model = file.name;
  onProgress(`starting the grid in ${folder}`);
  let injector: FaultInjector | undefined;
  const grid = stack.use(
    await ChaosGrid.start({
      bus,
      plan,
      folder,
      file,
      inFlight: IN_FLIGHT,
      credits,
      keys,
      onEnd: (job) => {
        ended.add(job);
        injector?.reached(ended.size);
      },
      onFailure: (detail) => problems.push({ check: 'processes', detail }),
    }),
  );
  const startedAt = Date.now();
  injector = new FaultInjector({
    faults: plan.faults,
    grid,
    bus,
    connection,
    onFault: (fault) => onProgress(`${ended.size} of ${plan.jobs.length} jobs: ${describeFault(fault)}`),
  });
  const memory = setInterval(() => void grid.measureMemory(), MEMORY_MS);
  const progress = setInterval(() => onProgress(`${ended.size} of ${plan.jobs.length} jobs`), PROGRESS_MS);
  stack.defer(async () => {
    clearInterval(memory);
    clearInterval(progress);
  });
  const inTime = await within(grid.clientsDone(), options.minutes * 60_000);
  const durationMs = Date.now() - startedAt;
  clearInterval(progress);
  if (!inTime) {
    const left = plan.jobs.length - ended.size;
    problems.push({ check: 'time', detail: `${left} jobs have not ended within ${options.minutes} minutes` });
  }
  await injector.settled();
  onProgress(`checking ${ended.size} jobs`);
  const ends = await readEnds(connection);
  const seen = await readStreams(grid.journals.flat());
  const rounded = await undisturbed.rounded(ends);
  if (rounded.size > MAX_ROUNDED * plan.jobs.length + 1) {
    problems.push({
      check: 'texts',
      detail: `${rounded.size} answers hang on rounding, more than it explains`,
    });
  }
  const jobs = checkJobs({ plan, answers: undisturbed.answers, rounded, seen, ends });
  problems.push(...jobs.problems);
  const owners = keys?.members.worker.map(({ account }) => account) ?? [];
  const paid = credits ? await checkCredits(connection, ends) : undefined;
  problems.push(...(paid?.problems ?? []));
  problems.push(...(await checkBus(connection, { model, ends, credits, owners, waitMs: options.settleMs })));
  problems.push(...(await grid.stop()).map((detail): Problem => ({ check: 'processes', detail })));
  clearInterval(memory);
  await stack.disposeAsync();
  problems.push(...(await checkProcesses(grid.actors, folder)));
  for (const { code, message, job } of seen.errors) {
    problems.push({ check: 'calls', detail: `job ${job}: ${code}: ${message}` });
  }
  return {
    seed,
    cluster,
    keys: options.keys,
    jobs: plan.jobs.length,
    ends: countEnds(ends),
    lost: jobs.lost,
    doubled: jobs.doubled,
    ...(paid && { credits: paid.figures }),
    rounded: rounded.size,
    faults: countBy(injector.done, ({ fault }) => `${fault.kind} ${fault.target}`),
    errors: countBy(seen.errors, ({ code }) => code),
    seconds: durationMs / 1_000,
    figures: measure({
      streams: seen.streams,
      faults: injector.done,
      ends,
      durationMs,
      workerIndex: (id) => grid.workerIndex(id),
    }),
    memory: Object.fromEntries(
      Object.entries(Object.groupBy(grid.actors, ({ role }) => role)).map(([role, actors]) => [
        role,
        Math.round(Math.max(...actors.map(({ peakMemory }) => peakMemory)) / 1024 ** 2),
      ]),
    ),
    problems,
    folder,
  };
}

/** Waits until the cluster has a leader and holds three copies of each stream. */
async function provisionCluster(connection: Awaited<ReturnType<typeof connectBus>>): Promise<void> {
  for (;;) {
    try {
      await provision(connection, { replicas: 3 });
      return;
    } catch (error) {
      if (connection.isClosed()) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function countEnds({ records }: Ends): ChaosReport['ends'] {
  const counts = { done: 0, failed: 0, cancelled: 0 };
  for (const { status } of records.values()) counts[status] += 1;
  return counts;
}

function countBy<T>(items: readonly T[], name: (item: T) => string): Record<string, number> {
  const groups = Object.entries(Object.groupBy(items, name)).map(
    ([key, group]) => [key, group?.length ?? 0] as const,
  );
  return Object.fromEntries(groups.sort(([a], [b]) => a.localeCompare(b)));
}

import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Account } from '../../src/runtime/protocol/ids.ts';
import { laneSchema, tierSchema } from '../../src/runtime/protocol/job.ts';
import type { ModelName } from '../../src/runtime/protocol/model.ts';
import { ownConsumerName } from '../../src/runtime/protocol/own-lane.ts';
import { consumerName, REAPER, SETTLER, STREAMS } from '../../src/runtime/protocol/subjects.ts';
import type { Actor } from '../actor.ts';
import type { Ends } from '../records.ts';
import { streamState } from '../records.ts';
import type { Problem } from './problem.ts';

const LOOK_MS = 500;
/** The queue's last messages are acknowledged behind the results that readers see, within this time in milliseconds. */
const QUEUE_MS = 10_000;
/** What has been stopped may take this long to be gone with all its helpers, in milliseconds. */
const END_MS = 5_000;
const MIB = 1024 ** 2;
/** Most memory that a process of each part may have, in bytes. */
const MEMORY = { worker: 600 * MIB, director: 400 * MIB, client: 400 * MIB } as const;

/**
 * Waits until the bus holds no unfinished job any more, and looks what else is on it.
 * @param waitMs how long directors may take to let go of the last of those that have ended; 0: that is not looked at
 */
export async function checkBus(
  connection: NatsConnection,
  {
    model,
    ends,
    credits,
    owners,
    waitMs,
  }: {
    readonly model: ModelName;
    readonly ends: Ends;
    readonly credits: boolean;
    /** Whose workers have keys, and so queues of their own. */
    readonly owners: readonly Account[];
    readonly waitMs: number;
  },
): Promise<Problem[]> {
  const manager = await jetstreamManager(connection);
  const problems: Problem[] = [];
  const say = (detail: string) => problems.push({ check: 'bus', detail });
  const queues = tierSchema.options.flatMap((tier) =>
    laneSchema.options.map((lane) => consumerName('text', tier, lane, model)),
  );
  const own = tierSchema.options.flatMap((tier) =>
    owners.map((account) => ownConsumerName('text', tier, model, account)),
  );
  const expected: Record<string, readonly string[]> = {
    [STREAMS.jobs]: [...queues, ...own].sort(),
    [STREAMS.accepted]: [REAPER],
    [STREAMS.events]: [],
    [STREAMS.results]: credits ? [SETTLER] : [],
  };
  const queue = [
    { stream: STREAMS.jobs, ms: QUEUE_MS },
    ...(waitMs > 0 ? [{ stream: STREAMS.accepted, ms: waitMs }] : []),
  ];
  for (const { stream, ms } of queue) {
    const until = Date.now() + ms;
    const left = async () => (await streamState(manager, stream)).messages;
    while ((await left()) > 0 && Date.now() < until) await delay(LOOK_MS);
    const messages = await left();
    if (messages > 0) say(`${messages} messages are left in ${stream}`);
  }
  for (const [stream, consumers] of Object.entries(expected)) {
    const state = await streamState(manager, stream);
    if (state.consumers.join() !== consumers.join()) {
      say(`${stream} has the consumers ${state.consumers.join(', ') || 'none'}`);
    }
  }
  const { messages } = await streamState(manager, STREAMS.results);
  if (messages !== ends.records.size) {
    say(`${messages} records for ${ends.records.size} jobs that have ended`);
  }
  return problems;
}

/** Nothing of a run is left running, and nothing has grown beyond measure. */
export async function checkProcesses(actors: readonly Actor[], folder: string): Promise<Problem[]> {
  const problems: Problem[] = [];
  const until = Date.now() + END_MS;
  while ((await runningIn(folder)).length > 0 && Date.now() < until) await delay(LOOK_MS);
  for (const pid of await runningIn(folder)) {
    problems.push({ check: 'processes', detail: `process ${pid} is left running` });
  }
  for (const { name, role, peakMemory } of actors) {
    if (peakMemory <= MEMORY[role]) continue;
    const detail = `${name} had ${Math.round(peakMemory / MIB)} MiB, more than ${MEMORY[role] / MIB}`;
    problems.push({ check: 'memory', detail });
  }
  return problems;
}

/** Processes that have the folder of the run in their command line or environment, and did not start it; Linux only. */
async function runningIn(folder: string): Promise<string[]> {
  const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const starters = new Set<string>();
  let starter: string | undefined = String(process.pid);
  while (starter !== undefined && !starters.has(starter)) {
    starters.add(starter);
    starter = /^PPid:\s+(\d+)$/m.exec(await read(starter, 'status'))?.[1];
  }
  const uses = async (pid: string) =>
    `${await read(pid, 'cmdline')}${await read(pid, 'environ')}`.includes(folder);
  const pids = (await readdir('/proc').catch(() => [])).filter(
    (name) => /^\d+$/.test(name) && !starters.has(name),
  );
  const using = await Promise.all(pids.map(uses));
  return pids.filter((_, index) => using[index]);
}

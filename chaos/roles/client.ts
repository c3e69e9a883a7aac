import { readFile } from 'node:fs/promises';
import { argv, env, exit, stdin } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { credentialsFrom } from '../../src/runtime/config/credentials.ts';
import { createBusGrid } from '../../src/runtime/grids/bus.ts';
import type { Grid } from '../../src/runtime/grids/grid.ts';
import { toAipgError } from '../../src/runtime/protocol/errors.ts';
import { isFinal } from '../../src/runtime/protocol/events.ts';
import type { Account, JobId } from '../../src/runtime/protocol/ids.ts';
import type { ModelName } from '../../src/runtime/protocol/model.ts';
import { JournalWriter, readJournal } from '../journal.ts';
import type { PlannedJob } from '../plan.ts';

/** What a client is told to do. */
export interface ClientOrders {
  readonly account: Account;
  readonly jobs: readonly PlannedJob[];
  readonly model: ModelName;
  /** Jobs that it waits for at once. */
  readonly inFlight: number;
  /** Of those before it in this place, the oldest first. */
  readonly earlier: readonly string[];
  readonly journal: string;
}

/** Before a call that the grid did not answer is made again, in milliseconds. */
const RETRY_MS = 250;

const [, , url = '', orders = ''] = argv;
const {
  account,
  jobs,
  model,
  inFlight,
  earlier,
  journal: path,
} = JSON.parse(await readFile(orders, 'utf8')) as ClientOrders;

const begun = new Set<JobId>();
const ended = new Set<JobId>();
for (const file of earlier) {
  for (const entry of await readJournal(file)) {
    if (entry.type === 'open') begun.add(entry.job);
    if (entry.type === 'event' && isFinal(entry.event)) ended.add(entry.job);
  }
}

using journal = new JournalWriter(path);
await using grid = createBusGrid({
  name: 'chaos',
  connection: await connectBus({ url, name: 'chaos client', credentials: credentialsFrom(env) }),
  account,
});
console.log('ready');
let released = 0;
let onRelease = Promise.withResolvers<void>();
createInterface({ input: stdin }).on('line', (line) => {
  released = Number(line);
  onRelease.resolve();
  onRelease = Promise.withResolvers();
});
const left = jobs.filter(({ spec }) => !ended.has(spec.id));
// Those that one before it has begun come first.
left.sort((a, b) => Number(begun.has(b.spec.id)) - Number(begun.has(a.spec.id)));
const lane = async () => {
  for (let job = left.shift(); job !== undefined; job = left.shift()) {
    while (job.place >= released && !begun.has(job.spec.id)) await onRelease.promise;
    await see(grid, job);
  }
};
await Promise.all(Array.from({ length: inFlight }, lane));
await grid[Symbol.asyncDispose]();
exit(0);

/** Resolves when the job has ended; whatever the grid fails to answer is asked again. */
async function see(grid: Grid, planned: PlannedJob): Promise<void> {
  const { id: job } = planned.spec;
  let how: 'submit' | 'attach' = begun.has(job) ? 'attach' : 'submit';
  for (;;) {
    try {
      await follow(grid, planned, how);
      return;
    } catch (error) {
      const { code, message } = toAipgError(error);
      // A job that was never accepted is no job; one whose acceptance was not heard of is there.
      const unknown = how === 'attach' && code === 'job-not-found';
      if (!unknown) journal.write({ at: Date.now(), job, type: 'error', code, message });
      how = unknown || code === 'queue-full' || code === 'model-not-found' ? 'submit' : 'attach';
    }
    await delay(RETRY_MS);
  }
}

async function follow(grid: Grid, planned: PlannedJob, how: 'submit' | 'attach'): Promise<void> {
  const { spec, detach, cancelAfter } = planned;
  const job = spec.id;
  journal.write({ at: Date.now(), job, type: 'open', how });
  const handle = how === 'attach' ? grid.job(job) : await grid.submit({ ...spec, model }, { detach });
  if (how === 'submit') journal.write({ at: Date.now(), job, type: 'accepted' });
  let chunks = 0;
  for await (const event of handle.events()) {
    journal.write({ at: Date.now(), job, type: 'event', event });
    if (event.type === 'chunk' && ++chunks === cancelAfter) {
      handle.cancel('as planned').catch((error: unknown) => {
        const { code, message } = toAipgError(error);
        journal.write({ at: Date.now(), job, type: 'error', code, message });
      });
    }
    if (isFinal(event)) console.log(job);
  }
}

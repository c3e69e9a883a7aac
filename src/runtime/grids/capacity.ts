import type { NatsConnection } from '@nats-io/transport-node';
import { memberOf, needsDirector } from '../bus/identity.ts';
import { Roster } from '../bus/roster.ts';
import { askStatus } from '../bus/status.ts';
import { LOCAL_ACCOUNT } from '../protocol/ids.ts';
import type { Heartbeat } from '../protocol/worker.ts';

/** An answer of a director is asked for again when it is older than this, in milliseconds: a heartbeat. */
const FRESH_MS = 5_000;

/** How many jobs a grid runs side by side, kept current as workers come and go. */
export interface Capacity extends AsyncDisposable {
  /** Slots of all workers that take jobs now. */
  slots(): number;
}

/** Of a grid behind a bus. The connection stays the caller's. */
export async function busCapacity(connection: NatsConnection): Promise<Capacity> {
  if (needsDirector(connection)) return askedCapacity(connection);
  const roster = await Roster.open(connection);
  return {
    slots: () => countSlots(roster.workers()),
    [Symbol.asyncDispose]: () => roster[Symbol.asyncDispose](),
  };
}

/** Who may not watch the workers asks a director, again when somebody wants to know and the answer is old. */
async function askedCapacity(connection: NatsConnection): Promise<Capacity> {
  const account = memberOf(connection)?.account ?? LOCAL_ACCOUNT;
  let workers = (await askStatus(connection, account))?.workers ?? [];
  let askedAt = performance.now();
  const refresh = async () => {
    askedAt = performance.now();
    workers = (await askStatus(connection, account))?.workers ?? workers;
  };
  return {
    slots: () => {
      if (performance.now() - askedAt > FRESH_MS) void refresh().catch(() => undefined);
      return countSlots(workers);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function countSlots(workers: readonly Heartbeat[]): number {
  return workers.reduce((sum, { state, slots }) => (state === 'serving' ? sum + slots.total : sum), 0);
}

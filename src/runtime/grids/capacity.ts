import type { NatsConnection } from '@nats-io/transport-node';
import { Roster } from '../bus/roster.ts';

/** How many jobs a grid runs side by side, kept current as workers come and go. */
export interface Capacity extends AsyncDisposable {
  /** Slots of all workers that take jobs now. */
  slots(): number;
}

/** Of a grid behind a bus. The connection stays the caller's. */
export async function busCapacity(connection: NatsConnection): Promise<Capacity> {
  const roster = await Roster.open(connection);
  return {
    slots: () =>
      roster.workers().reduce((sum, { state, slots }) => (state === 'serving' ? sum + slots.total : sum), 0),
    [Symbol.asyncDispose]: () => roster[Symbol.asyncDispose](),
  };
}

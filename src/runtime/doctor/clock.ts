import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { needsDirector } from '../bus/identity.ts';
import { decode } from '../protocol/codec.ts';
import { STREAMS } from '../protocol/subjects.ts';

const streamInfoSchema = z.object({ ts: z.iso.datetime({ precision: null }) });

/**
 * How far the clock of the bus is ahead of ours, in milliseconds, to half a round trip: JetStream tells its time with
 * what it says of a stream. `undefined` where it tells none, and for a key that may not ask.
 */
export async function clockSkewMs(connection: NatsConnection): Promise<number | undefined> {
  if (needsDirector(connection)) return undefined;
  const before = Date.now();
  const reply = await connection
    .request(`$JS.API.STREAM.INFO.${STREAMS.jobs}`, undefined, { timeout: 2_000 })
    .catch(() => undefined);
  const middle = (before + Date.now()) / 2;
  const info = reply && decode(streamInfoSchema, reply.data);
  return info?.ok ? Math.round(Date.parse(info.value.ts) - middle) : undefined;
}

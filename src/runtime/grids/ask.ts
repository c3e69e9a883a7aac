import { setTimeout as delay } from 'node:timers/promises';
import { type NatsConnection, RequestError } from '@nats-io/transport-node';
import type { z } from 'zod';
import { decodeLarge, encodeLarge } from '../bus/artifacts.ts';
import { askerFor } from '../bus/identity.ts';
import { Reconnects } from '../bus/reconnects.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { refusalIn } from '../protocol/refusal.ts';
import { type OperatorVerb, subjects, type Verb } from '../protocol/subjects.ts';

/** How long a director may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;
/** A break of the connection is waited out for this long, in milliseconds. */
export const MAX_BREAK_MS = 90_000;
/** A director that is there and does not answer, as while the bus elects a leader, is asked again for this long, in milliseconds. */
const MAX_BUSY_MS = 30_000;
/** A bus on which no director listens is asked again for this long, in milliseconds: one may just be starting. */
const MAX_ALONE_MS = 1_000;
/** After a break, directors have this long to come back, too, in milliseconds. */
const SETTLE_MS = 10_000;
const RETRY_MS = 250;

export interface GridAddress {
  /** The grid's name in the user's profiles, or its address. */
  readonly name: string;
  readonly connection: NatsConnection;
  readonly account: Account;
}

/**
 * Asks a director. A break of the connection is waited out: every request may be repeated.
 * @throws AipgError what the director refused with; `grid-unreachable`, `protocol-mismatch`; the signal's reason
 */
export async function ask<T extends z.ZodType>(
  grid: GridAddress,
  verb: Verb,
  request: object,
  schema: T,
  signal?: AbortSignal,
): Promise<z.infer<T>> {
  return askAt(
    grid,
    subjects.request(askerFor(grid.connection, grid.account), verb),
    request,
    schema,
    signal,
  );
}

/** Asks a director what only an operator may. @throws AipgError as {@link ask} does; `not-permitted` */
export async function askAsOperator<T extends z.ZodType>(
  grid: GridAddress,
  verb: OperatorVerb,
  request: object,
  schema: T,
): Promise<z.infer<T>> {
  const { requireRole } = await import('../bus/identity.ts');
  requireRole(grid.connection, 'operator');
  return askAt(grid, subjects.operatorRequest(verb), request, schema);
}

async function askAt<T extends z.ZodType>(
  grid: GridAddress,
  subject: string,
  request: object,
  schema: T,
  signal?: AbortSignal,
): Promise<z.infer<T>> {
  const { connection, name, account } = grid;
  const reconnects = Reconnects.of(connection);
  const startedAt = performance.now();
  // Made at a break: its timer lives for all of its time, and most requests are answered at once.
  let stop: AbortSignal | undefined;
  for (;;) {
    try {
      const message = { protocol: PROTOCOL_VERSION, ...request };
      const payload = await encodeLarge(connection, message, { box: 'in-req', id: account });
      const { data } = await connection.request(subject, payload, {
        timeout: ANSWER_MS,
      });
      return await readReply(grid, schema, data);
    } catch (error) {
      if (error instanceof AipgError && error.code !== 'grid-unreachable') throw error;
      const isSettled = reconnects.connected && reconnects.quietForMs > SETTLE_MS;
      const isAlone = error instanceof RequestError && error.isNoResponders();
      const isTired = performance.now() - startedAt > (isAlone ? MAX_ALONE_MS : MAX_BUSY_MS);
      if ((isSettled && isTired) || connection.isClosed()) {
        throw error instanceof AipgError ? error : noAnswer(name, error);
      }
    }
    signal?.throwIfAborted();
    stop ??= within(MAX_BREAK_MS - (performance.now() - startedAt), signal);
    await reconnects.connection(stop).catch((cause) => {
      signal?.throwIfAborted();
      throw gone(name, cause);
    });
    await delay(RETRY_MS);
  }
}

/** @param ms from now, in milliseconds */
function within(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const patience = AbortSignal.timeout(Math.max(0, Math.round(ms)));
  return signal ? AbortSignal.any([signal, patience]) : patience;
}

async function readReply<T extends z.ZodType>(
  { name, connection, account }: GridAddress,
  schema: T,
  data: Uint8Array,
): Promise<z.infer<T>> {
  const refusal = refusalIn(data);
  if (refusal) throw refusal;
  const reply = await decodeLarge(connection, schema, data, { box: 'out-req', id: account });
  if (reply.ok) return reply.value;
  throw new AipgError(
    'protocol-mismatch',
    `The director of ${name} sent a malformed reply (${reply.reason}).`,
    {
      hint: 'Use the same release of aipg as the grid.',
    },
  );
}

function noAnswer(grid: string, cause: unknown): AipgError {
  return new AipgError('grid-unreachable', `No director answers on ${grid}.`, {
    hint: 'Start one with `aipg director` or `aipg up`, or answer on this machine with --grid local.',
    cause,
  });
}

/** The connection was broken for longer than is worth waiting. */
export function gone(grid: string, cause?: unknown): AipgError {
  return new AipgError('grid-unreachable', `The connection to ${grid} was lost, and did not come back.`, {
    hint: 'What was accepted goes on there: see `aipg jobs` when it is back.',
    cause,
  });
}

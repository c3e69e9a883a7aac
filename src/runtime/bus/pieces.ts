import { createHash } from 'node:crypto';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decode, encode } from '../protocol/codec.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Sha256 } from '../protocol/model.ts';
import { askerOf } from '../protocol/permissions.ts';
import { getReplySchema, PIECE_BYTES, pieceCount } from '../protocol/pieces.ts';
import { refusalIn } from '../protocol/refusal.ts';
import { type Box, patterns, STREAMS, subjects } from '../protocol/subjects.ts';
import { doneReplySchema } from '../protocol/worker-requests.ts';
import { memberOf, needsDirector } from './identity.ts';
import { NANOS_PER_MS, OVERHEAD_BYTES, WEEK_MS } from './streams.ts';

/**
 * Where the pieces of a message lie: with a job, which its account and its workers may read and directors alone write;
 * or in a box between directors and one who asks, which nobody else can name.
 */
export type Place =
  | { readonly account: Account; readonly job: JobId }
  | { readonly box: Box; readonly id: string };

/** A message that nobody came for is forgotten after this long, in milliseconds. */
const BOX_MS = 10 * 60 * 1_000;
/** Of all boxes together, in bytes; over it the oldest pieces go. */
const MAX_BOXES_BYTES = 1024 ** 3;
/** Pieces of a message that are on their way at a time. */
const AT_ONCE = 4;
/** How long a director may take for a piece, in milliseconds. */
const ANSWER_MS = 10_000;

interface Pieces {
  write(place: Place, sha256: Sha256, size: number, number: number, piece: Uint8Array): Promise<void>;
  read(place: Place, sha256: Sha256, number: number): Promise<Uint8Array | undefined>;
}

/** Writes a message to a place, in pieces. @returns its sha256, under which it lies there */
export async function writePieces(
  connection: NatsConnection,
  place: Place,
  bytes: Uint8Array,
): Promise<Sha256> {
  const sha256 = hash(bytes);
  const pieces = await piecesOf(connection);
  await each(pieceCount(bytes.length), (number) => {
    const piece = bytes.subarray(number * PIECE_BYTES, (number + 1) * PIECE_BYTES);
    return pieces.write(place, sha256, bytes.length, number, piece);
  });
  return sha256;
}

/** @returns `undefined` when a piece is missing, or when they do not come to what their sha256 says */
export async function readPieces(
  connection: NatsConnection,
  place: Place,
  sha256: Sha256,
  size: number,
): Promise<Uint8Array | undefined> {
  const pieces = await piecesOf(connection);
  const read: (Uint8Array | undefined)[] = [];
  await each(pieceCount(size), async (number) => {
    read[number] = await pieces.read(place, sha256, number);
  });
  if (read.some((piece) => piece === undefined)) return undefined;
  const bytes = Buffer.concat(read as Uint8Array[]);
  return bytes.length === size && hash(bytes) === sha256 ? bytes : undefined;
}

async function piecesOf(connection: NatsConnection): Promise<Pieces> {
  return needsDirector(connection) ? askedPieces(connection) : directPieces(connection);
}

/** For directors and operators: on the bus itself. */
export async function directPieces(connection: NatsConnection): Promise<Pieces> {
  const { client, manager } = await openStreams(connection);
  return {
    write: async (place, sha256, _, number, piece) => {
      await client.publish(subjectOf(place, sha256, number), piece);
    },
    read: async (place, sha256, number) => {
      const stream = 'box' in place ? STREAMS.boxes : STREAMS.pieces;
      const kept = await manager.direct.getMessage(stream, {
        last_by_subj: subjectOf(place, sha256, number),
      });
      return kept?.data;
    },
  };
}

/** For those whose keys give them no right to: by directors. Which box it is follows from who asks. */
function askedPieces(connection: NatsConnection): Pieces {
  const member = memberOf(connection);
  if (member === undefined) throw new Error('Pieces are for members of a grid.');
  const asker = askerOf(member);
  const subject = (verb: 'put' | 'get') =>
    member.role === 'worker' ? subjects.workerRequest(asker, verb) : subjects.request(asker, verb);
  const ask = async (verb: 'put' | 'get', request: object): Promise<Uint8Array> => {
    const payload = encode({ protocol: PROTOCOL_VERSION, ...request });
    const { data } = await connection.request(subject(verb), payload, { timeout: ANSWER_MS });
    const refusal = refusalIn(data);
    if (refusal) throw refusal;
    return data;
  };
  return {
    write: async (_, sha256, size, number, piece) => {
      const data = Buffer.from(piece).toString('base64');
      const reply = decode(doneReplySchema, await ask('put', { sha256, bytes: size, piece: number, data }));
      if (!reply.ok) throw new Error(`A director's answer ${reply.reason}.`);
    },
    read: async (place, sha256, number) => {
      const of = 'box' in place ? undefined : place;
      const reply = decode(getReplySchema, await ask('get', { sha256, piece: number, of }));
      if (!reply.ok) throw new Error(`A director's answer ${reply.reason}.`);
      return reply.value.data === null ? undefined : Buffer.from(reply.value.data, 'base64');
    },
  };
}

/** How many pieces lie in somebody's box. */
export async function countPieces(connection: NatsConnection, box: Box, id: string): Promise<number> {
  const { manager } = await openStreams(connection);
  const { state } = await manager.streams.info(STREAMS.boxes, { subjects_filter: patterns.box(box, id) });
  return Object.keys(state.subjects ?? {}).length;
}

/** Takes a message out of a box once it was read. */
export async function dropPieces(
  connection: NatsConnection,
  { box, id }: Extract<Place, { box: unknown }>,
  sha256: Sha256,
): Promise<void> {
  const { manager } = await openStreams(connection);
  await manager.streams.purge(STREAMS.boxes, { filter: patterns.boxMessage(box, id, sha256) });
}

interface Streams {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}
const opened = new WeakMap<NatsConnection, Promise<Streams>>();

/** Made on first use, opened once for each connection. */
function openStreams(connection: NatsConnection): Promise<Streams> {
  const known = opened.get(connection) ?? makeStreams(connection);
  opened.set(connection, known);
  known.catch(() => opened.delete(connection));
  return known;
}

async function makeStreams(connection: NatsConnection): Promise<Streams> {
  const manager = await jetstreamManager(connection);
  const { config } = await manager.streams.info(STREAMS.results);
  const shared = {
    storage: 'file',
    num_replicas: config.num_replicas,
    allow_direct: true,
    max_msgs_per_subject: 1,
    max_msg_size: PIECE_BYTES + OVERHEAD_BYTES,
    discard: 'old',
  } as const;
  await manager.streams.add({
    ...shared,
    name: STREAMS.pieces,
    subjects: [patterns.pieces],
    max_age: WEEK_MS * NANOS_PER_MS,
  });
  await manager.streams.add({
    ...shared,
    name: STREAMS.boxes,
    subjects: [patterns.boxes],
    max_age: BOX_MS * NANOS_PER_MS,
    max_bytes: MAX_BOXES_BYTES,
  });
  return { client: jetstream(connection), manager };
}

function subjectOf(place: Place, sha256: Sha256, number: number): string {
  return 'box' in place
    ? subjects.boxPiece(place.box, place.id, sha256, number)
    : subjects.piece(place.account, place.job, sha256, number);
}

/** Does something for each number from 0, a few at a time. */
async function each(count: number, act: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function hash(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

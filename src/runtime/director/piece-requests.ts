import type { z } from 'zod';
import { countPieces, directPieces } from '../bus/pieces.ts';
import type { RecordStore } from '../bus/record.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account, WorkerId } from '../protocol/ids.ts';
import {
  type GetRequest,
  type getReplySchema,
  getRequestSchema,
  type PutRequest,
  pieceBytes,
  putRequestSchema,
} from '../protocol/pieces.ts';
import type { Box } from '../protocol/subjects.ts';
import type { doneReplySchema } from '../protocol/worker-requests.ts';
import type { Endpoints } from './endpoints.ts';

/** Most pieces that one who asks may have on their way to directors: more than the largest message has. */
const MAX_PIECES = 512;
/** A count is read from the bus again after this long, in milliseconds; in between, what is put here is added. */
const COUNT_TTL_MS = 1_000;
/** Most counts kept. */
const MAX_COUNTS = 10_000;

/** Large messages of those who have no right to JetStream, piece by piece, each in a box of who asks. */
export function servePieces(endpoints: Endpoints, store: RecordStore): void {
  const boxes = new Boxes(store);
  endpoints.ofAccount('put', putRequestSchema, (account, asked) => boxes.put('in-req', account, asked));
  endpoints.ofAccount('get', getRequestSchema, (account, asked) => boxes.get('out-req', account, asked));
  endpoints.ofWorker('put', putRequestSchema, (worker, asked) => boxes.put('in-wrk', worker, asked));
  endpoints.ofWorker('get', getRequestSchema, (worker, asked) => boxes.get('out-wrk', worker, asked));
}

class Boxes {
  readonly #store: RecordStore;
  readonly #counts = new Map<string, { pieces: number; readonly readAt: number }>();

  constructor(store: RecordStore) {
    this.#store = store;
  }

  /** @throws AipgError `job-refused` for a piece of another size than it must have, `queue-full` */
  async put(
    box: Box,
    id: Account | WorkerId,
    { sha256, bytes, piece, data }: PutRequest,
  ): Promise<z.infer<typeof doneReplySchema>> {
    const content = Buffer.from(data, 'base64');
    if (content.length === 0 || content.length !== pieceBytes(bytes, piece)) {
      throw new AipgError('job-refused', `Piece ${piece} of a message of ${bytes} bytes has another size.`);
    }
    await this.#count(box, id);
    const pieces = await directPieces(this.#store.connection);
    await pieces.write({ box, id }, sha256, bytes, piece, content);
    return { done: true };
  }

  /** @throws AipgError `job-refused` for an account that asks for what is kept with a job */
  async get(
    box: Box,
    id: Account | WorkerId,
    { sha256, piece, of }: GetRequest,
  ): Promise<z.infer<typeof getReplySchema>> {
    // An account has its jobs' content told by other answers; that it names itself here proves nothing.
    if (of && box !== 'out-wrk')
      throw new AipgError('job-refused', 'What is kept with a job is for workers.');
    const pieces = await directPieces(this.#store.connection);
    const content = await pieces.read(of ?? { box, id }, sha256, piece);
    return { data: content === undefined ? null : Buffer.from(content).toString('base64') };
  }

  async #count(box: Box, id: string): Promise<void> {
    const key = `${box} ${id}`;
    const now = performance.now();
    let count = this.#counts.get(key);
    if (count === undefined || now - count.readAt > COUNT_TTL_MS) {
      if (this.#counts.size >= MAX_COUNTS) this.#counts.clear();
      count = { pieces: await countPieces(this.#store.connection, box, id), readAt: now };
      this.#counts.set(key, count);
    }
    count.pieces += 1;
    if (count.pieces <= MAX_PIECES) return;
    throw new AipgError(
      'queue-full',
      'Too much is on its way to directors from here that was never asked for.',
      {
        hint: 'What nobody comes for is forgotten after 10 minutes.',
      },
    );
  }
}

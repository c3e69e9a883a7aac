import type { NatsConnection } from '@nats-io/transport-node';
import type { Proof } from '../bus/lease.ts';
import { orAbort } from '../engines/or-abort.ts';
import type { Job } from '../protocol/job.ts';
import type { Log } from '../protocol/log.ts';
import type { Sha256 } from '../protocol/model.ts';
import type { Part } from '../protocol/part.ts';
import type { CutShort } from '../protocol/result.ts';
import { isSealed } from '../protocol/sealed.ts';
import type { WorkerIdentity } from './identity.ts';
import type { WorkerLink } from './link.ts';
import type { OutputStream } from './output-stream.ts';
import { receiptFor } from './receipt.ts';
import { retryUntilStopped } from './retry.ts';

/** A director settles without a part that is not there after this long, in milliseconds. */
const OFFER_MS = 10_000;
/** And this long once the worker has no more time, in milliseconds: its pay hangs on it. */
const HURRIED_OFFER_MS = 1_000;

export interface Streamed {
  readonly job: Job;
  readonly attempt: number;
  readonly identity: WorkerIdentity;
  readonly modelSha256: Sha256;
  readonly output: Pick<OutputStream, 'sent' | 'promptTokens'>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** What was sent of a job that ends before it is done: not what was computed and is held back still. */
export function partOf({ job, attempt, identity, modelSha256, output, startedAt }: Streamed): Part {
  const { sent, promptTokens } = output;
  const outcome = { modelSha256, promptTokens, outputTokens: sent.tokens.length };
  // Of a sealed output nobody but the client learns more than how many tokens it has.
  const said = isSealed(job.input) ? { text: '', tokens: [] } : { text: sent.text, tokens: [...sent.tokens] };
  const period = { startedAt, endedAt: Date.now() };
  return { ...said, receipt: receiptFor(job, attempt, identity, { ...said, outcome, ...period }) };
}

export interface AttemptPartOptions extends Omit<Streamed, 'attempt' | 'startedAt'> {
  readonly connection: NatsConnection;
  readonly link: WorkerLink;
  readonly log: Log;
  /** Aborts when the worker has no more time. */
  readonly hurry: AbortSignal;
}

/** Aborts when a part is to be offered no longer. */
function offerTime(hurry: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const end = new AbortController();
  const endIn = (ms: number) =>
    setTimeout(() => end.abort(new Error(`No director has taken it within ${ms} ms.`)), ms);
  let timer = endIn(OFFER_MS);
  const onHurry = () => {
    clearTimeout(timer);
    timer = endIn(HURRIED_OFFER_MS);
  };
  hurry.addEventListener('abort', onHurry);
  if (hurry.aborted) onHurry();
  return {
    signal: end.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      hurry.removeEventListener('abort', onHurry);
    },
  };
}

/** What an attempt is paid for by when its job ends before it is done. */
export class AttemptPart {
  readonly #options: AttemptPartOptions;
  readonly #startedAt = Date.now();
  /** The job was ended over the attempt's head: what it has streamed is to be said. */
  isDue = false;

  constructor(options: AttemptPartOptions) {
    this.#options = options;
  }

  /** For a record that the attempt writes itself, which replaces its claim. */
  withRecord(attempt: number): Pick<CutShort, 'part' | 'claim'> {
    const { id: worker } = this.#options.identity;
    return {
      part: partOf({ ...this.#options, attempt, startedAt: this.#startedAt }),
      ...(attempt > 1 && { claim: { status: 'claimed', attempt, worker } }),
    };
  }

  /** Has it put with the record, if that is due, until it is taken or refused, or comes too late. */
  async offer(attempt: number, proof: Proof): Promise<void> {
    if (!this.isDue) return;
    const { connection, link, log, job, hurry } = this.#options;
    const part = partOf({ ...this.#options, attempt, startedAt: this.#startedAt });
    using time = offerTime(hurry);
    try {
      const offering = retryUntilStopped(connection, time.signal, () =>
        link.part(job.account, job.id, part, proof),
      );
      await orAbort(offering, time.signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ job: job.id, reason }, 'what was streamed of an ended job is not on record');
    }
  }
}

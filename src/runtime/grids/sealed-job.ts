import { setTimeout as delay } from 'node:timers/promises';
import { credentialsOf } from '../bus/identity.ts';
import { sealedBytes } from '../protocol/content.ts';
import { AipgError } from '../protocol/errors.ts';
import type { ChunkEvent, JobEvent, SealedEvent } from '../protocol/events.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { JobSpec, SubmittedJob } from '../protocol/job.ts';
import { handOverReplySchema } from '../protocol/replies.ts';
import type { HandOverRequest } from '../protocol/requests.ts';
import type { SealOffer } from '../protocol/seal.ts';
import { CONTENT_STEP, SealKeys } from '../protocol/seal-keys.ts';
import { faultOfOffer, issuerOf } from '../protocol/seal-offer.ts';
import { type HandOver, sealedEndSchema, sealedPieceSchema } from '../protocol/sealed.ts';
import type { Transcript } from '../protocol/transcript.ts';
import { ask, type GridAddress } from './ask.ts';

/** A worker that was not reached is tried again, so often and after so many milliseconds. */
const MAX_TRIES = 20;
const RETRY_MS = 500;

/** What is known of an attempt, from its `leased` event or from a director. */
export interface Leased {
  readonly attempt: number;
  readonly worker: WorkerId;
  readonly modelSha256?: string | undefined;
  readonly seal?: SealOffer | undefined;
}

type Failed = Extract<JobEvent, { type: 'failed' }>;

/** The client's side of a sealed job: hands its content to each worker that leases it, and opens what comes back. */
export class SealedJob {
  readonly #grid: GridAddress;
  readonly #spec: JobSpec;
  readonly #keys = new SealKeys();
  readonly #issuer: string | undefined;
  readonly #attempts = new Map<number, Leased & { readonly seal: SealOffer }>();
  readonly #ended = new AbortController();
  #handedTo = 0;
  /** Of the file that the output so far is of. */
  #modelSha256: string | undefined;

  constructor(grid: GridAddress, spec: JobSpec) {
    this.#grid = grid;
    this.#spec = spec;
    const jwt = credentialsOf(grid.connection)?.jwt;
    this.#issuer = jwt === undefined ? undefined : issuerOf(jwt);
  }

  /** As directors and the queue see it. */
  get submitted(): SubmittedJob {
    const { input, ...rest } = this.#spec;
    const prompt = { form: 'sealed', key: this.#keys.key, bytes: sealedBytes(input) } as const;
    return { ...rest, input: { prompt, maxTokens: input.maxTokens } };
  }

  /**
   * Takes note of an attempt, so that what its worker says can be opened.
   * @throws AipgError `job-refused` when the worker does not prove that the key is its own
   */
  learn(leased: Leased): void {
    const { attempt, worker, seal } = leased;
    if (this.#attempts.get(attempt)?.seal.key === seal?.key && seal !== undefined) return;
    const offered = { job: this.#spec.id, attempt, worker, client: this.#keys.key };
    const fault = seal ? faultOfOffer(offered, seal, this.#issuer, Date.now()) : 'is missing';
    if (fault !== undefined || seal === undefined) {
      throw new AipgError(
        'job-refused',
        `Nothing was handed over to worker ${worker}: its key for the sealed job ${fault}.`,
        { hint: 'Somebody on the grid may be listening in its place. Tell the grid’s operator.' },
      );
    }
    this.#attempts.set(attempt, { ...leased, seal });
  }

  /** Hands the content to the newest attempt, with the output so far, to go on from. Once for each attempt. */
  handOver(leased: Leased, transcript: Transcript): void {
    this.learn(leased);
    if (leased.attempt <= this.#handedTo) return;
    this.#handedTo = leased.attempt;
    const { attempt, worker } = leased;
    const seal = this.#attempts.get(attempt)?.seal as SealOffer;
    const output = { text: transcript.text, tokens: [...transcript.tokens] };
    const content: HandOver = {
      ...{ attempt, input: this.#spec.input, output },
      ...(output.tokens.length > 0 && { modelSha256: this.#modelSha256 }),
    };
    const request = {
      job: this.#spec.id,
      worker,
      attempt,
      content: this.#keys.seal(content, seal.key, CONTENT_STEP),
    };
    // Where it fails, the worker gives the job back, and the next one is handed the content.
    void this.#send(request).catch(() => undefined);
  }

  /** A piece in the clear; `undefined` when its attempt is not known yet, or it is none of that attempt's. */
  open(event: SealedEvent): ChunkEvent | undefined {
    const leased = this.#attempts.get(event.attempt);
    const piece = leased && this.#keys.open(sealedPieceSchema, event.content, leased.seal.key);
    if (!leased || piece?.tokenOffset !== event.tokenOffset) return undefined;
    this.#modelSha256 = leased.modelSha256;
    // A worker that was given its own job again goes on with its old key under a new number.
    return { type: 'chunk', ...piece, attempt: event.attempt };
  }

  /** The whole output, as its final record has it, as a chunk. */
  openEnd(content: string, attempt: number): ChunkEvent | undefined {
    const end = this.#openEnd(content);
    return end && 'text' in end
      ? { type: 'chunk', attempt, tokenOffset: 0, textOffset: 0, ...end }
      : undefined;
  }

  /** Why the job failed, in the worker's own words. */
  openFailure(failed: Failed): Failed {
    const end = failed.sealed === undefined ? undefined : this.#openEnd(failed.sealed);
    return end && 'message' in end ? { ...failed, error: { code: failed.error.code, ...end } } : failed;
  }

  /** Nothing is handed over any more. */
  close(): void {
    this.#ended.abort();
  }

  #openEnd(content: string) {
    for (const { seal } of this.#attempts.values()) {
      const end = this.#keys.open(sealedEndSchema, content, seal.key);
      if (end) return end;
    }
    return undefined;
  }

  async #send(request: Omit<HandOverRequest, 'protocol'>): Promise<void> {
    const { signal } = this.#ended;
    for (let tries = 0; tries < MAX_TRIES && request.attempt === this.#handedTo; tries += 1) {
      const { taken } = await ask(this.#grid, 'handover', request, handOverReplySchema, signal);
      if (taken) return;
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}

/** Of a job whose output another process has the key to. */
export function sealedToOther(job: string): AipgError {
  return new AipgError('not-permitted', `The answer of job ${job} is sealed.`, {
    hint: 'Only the process that submitted it could read it; `aipg logs` has what that one kept.',
  });
}

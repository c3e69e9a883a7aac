import { sealedBytes } from '../protocol/content.ts';
import { AipgError } from '../protocol/errors.ts';
import type { SealedEvent } from '../protocol/events.ts';
import type { JobId } from '../protocol/ids.ts';
import type { SealOffer } from '../protocol/seal.ts';
import { CONTENT_STEP, PIECE_STEP, SealKeys } from '../protocol/seal-keys.ts';
import { signOffer } from '../protocol/seal-offer.ts';
import { type HandOver, handOverSchema, type SealedEnd, type SealedInput } from '../protocol/sealed.ts';
import { AttemptStopped } from './attempt-stopped.ts';
import type { JoinedChunk } from './chunk-joiner.ts';
import type { WorkerIdentity } from './identity.ts';

/** A client that is there has handed over the content within this time, in milliseconds; until then it holds a slot. */
const HAND_OVER_MS = 10_000;

/** What an attempt at a sealed job shares with the client alone; its keys are forgotten with it. */
export class SealedAttempt {
  readonly #job: JobId;
  readonly #input: SealedInput;
  readonly #identity: WorkerIdentity;
  readonly #keys = new SealKeys();
  readonly #content = Promise.withResolvers<HandOver>();
  #isTaken = false;

  constructor(job: JobId, input: SealedInput, identity: WorkerIdentity) {
    this.#job = job;
    this.#input = input;
    this.#identity = identity;
  }

  /** Says to whom the content is to be sealed. */
  offer(attempt: number): SealOffer {
    const { id, signer, jwt } = this.#identity;
    const offered = { job: this.#job, attempt, worker: id, client: this.#input.prompt.key };
    return signOffer(offered, this.#keys.key, signer, jwt);
  }

  /** @returns whether the content is here now: this, or one that came before */
  take(content: string): boolean {
    if (this.#isTaken) return true;
    const opened = this.#keys.open(handOverSchema, content, this.#input.prompt.key);
    if (opened === undefined) return false;
    this.#isTaken = true;
    this.#content.resolve(opened);
    return true;
  }

  /**
   * What the client has handed over.
   * @throws AttemptStopped when it does not come in time; AipgError `input-invalid` when it is not what was admitted
   */
  async received(signal: AbortSignal): Promise<HandOver> {
    const late = Promise.withResolvers<never>();
    const stop = () => late.reject(signal.reason);
    const timer = setTimeout(() => late.reject(new AttemptStopped('not-handed-over')), HAND_OVER_MS);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      const content = await Promise.race([this.#content.promise, late.promise]);
      const { prompt, maxTokens } = this.#input;
      if (sealedBytes(content.input) > prompt.bytes || content.input.maxTokens !== maxTokens) {
        throw new AipgError('input-invalid', 'The content of the sealed job is more than was submitted.');
      }
      return content;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  piece(attempt: number, { tokenOffset, textOffset, text, tokens }: JoinedChunk): SealedEvent {
    const piece = { attempt, tokenOffset, textOffset, text, tokens };
    const content = this.#keys.seal(piece, this.#input.prompt.key, PIECE_STEP);
    return { type: 'sealed', attempt, tokenOffset, tokens: tokens.length, content };
  }

  /** The whole output, or why the job failed. */
  end(end: SealedEnd): string {
    return this.#keys.seal(end, this.#input.prompt.key, CONTENT_STEP);
  }
}

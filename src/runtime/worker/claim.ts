import type { NatsConnection } from '@nats-io/transport-node';
import type { Job } from '../protocol/job.ts';
import type { Result } from '../protocol/result.ts';
import { AttemptStopped } from './attempt-stopped.ts';
import type { WorkerLink } from './link.ts';
import { retryUntilStopped } from './retry.ts';

export interface ClaimOptions {
  readonly connection: NatsConnection;
  readonly link: WorkerLink;
  readonly job: Job;
  /** Aborts with an {@link AttemptStopped} when the job is no longer this attempt's. */
  readonly signal: AbortSignal;
  /** Called when the job's final record is written, by whomever. */
  readonly onEnd: (result: Result) => void;
}

/** An attempt's hold on its job's record: what lets it end the job, and older attempts no more. */
export class Claim {
  readonly #options: ClaimOptions;
  #attempt = 1;
  /** The place in the stream of the record that a result replaces: none for a first attempt, else the claim. */
  #sequence: Promise<number> = Promise.resolve(0);

  constructor(options: ClaimOptions) {
    this.#options = options;
  }

  /** Claims the job for a later attempt than the first. @throws AttemptStopped when it has ended or was taken over */
  async take(attempt: number): Promise<void> {
    this.#attempt = attempt;
    this.#sequence = this.#ask();
    await this.#sequence;
  }

  /** Claims the job anew: the same worker goes on under a later attempt's number. */
  async renew(attempt: number): Promise<void> {
    this.#attempt = attempt;
    this.#sequence = this.#sequence.catch(() => 0).then(() => this.#ask());
    await this.#sequence;
  }

  /**
   * Writes the final record, or learns that there is one.
   * @param resultOf made anew for each try: the attempt's number may have grown
   * @throws AttemptStopped when the job was taken over
   */
  async end(resultOf: () => Result): Promise<void> {
    const { connection, link, job, signal, onEnd } = this.#options;
    await retryUntilStopped(connection, signal, async () => {
      const claimed = await this.#sequence;
      const result = resultOf();
      const finish = await link.finish(job.account, job.id, result, claimed);
      if (finish.written) return onEnd(result);
      if (finish.result) return onEnd(finish.result);
      // The claim may be a newer one of our own, made while the result was on its way.
      this.#sequence = this.#ask();
      await this.#sequence;
      throw new Error('The claim was renewed; the result is written again.');
    });
  }

  async #ask(): Promise<number> {
    const { connection, link, job, signal, onEnd } = this.#options;
    return await retryUntilStopped(connection, signal, async () => {
      const claim = await link.claim(job.account, job.id, this.#attempt);
      if (claim.outcome === 'claimed') return claim.sequence;
      // Whoever ended it may not have come to tell.
      if (claim.outcome === 'ended') onEnd(claim.result);
      throw new AttemptStopped(claim.outcome);
    });
  }
}

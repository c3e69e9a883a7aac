import type { AttemptRecord } from '../protocol/events.ts';
import { hasFailed } from './attempt-failure.ts';

/** A job that this many attempts have failed to bring forward has failed. */
const MAX_ATTEMPTS = 3;
/** And one that has been tried this often, whatever came of it. */
const MAX_TRIES = 20;

/** What came of a job's attempts before this one, and so whether it may be tried again. */
export class EarlierAttempts {
  /** None, until more is known. */
  #failed: readonly AttemptRecord[] = [];
  #isGivenUp = false;

  /** Those that a director tells of. */
  set(attempts: readonly AttemptRecord[]): void {
    this.#failed = attempts.filter(hasFailed);
    this.#isGivenUp = this.#failed.length >= MAX_ATTEMPTS || attempts.length >= MAX_TRIES;
  }

  /** The job is not to be tried any more, not even by this attempt. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Whether another attempt may follow, should this one fail. */
  get mayRetry(): boolean {
    return !this.#isGivenUp && this.#failed.length + 1 < MAX_ATTEMPTS;
  }

  /** Those that have failed. @param own this one, which is none if the job was given up before it began */
  failedWith(own: AttemptRecord): AttemptRecord[] {
    return this.#isGivenUp ? [...this.#failed] : [...this.#failed, own];
  }
}

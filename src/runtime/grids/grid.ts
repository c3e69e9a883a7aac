import type { JobEvent } from '../protocol/events.ts';
import type { JobId } from '../protocol/ids.ts';
import type { JobSpec } from '../protocol/job.ts';
import type { Result } from '../protocol/result.ts';
import type { Capacity } from './capacity.ts';
import type { Reach } from './reach.ts';

/** What a client can ask of any grid, be it in this process or on many machines. */
export interface Grid extends AsyncDisposable {
  /** Shown to the user as where the job ran. */
  readonly name: string;
  /**
   * Resolves when the job is accepted.
   * @throws AipgError `model-not-found`, `job-refused`, `grid-unreachable`, `protocol-mismatch`
   */
  submit(job: JobSpec, signal?: AbortSignal, options?: SubmitOptions): Promise<JobHandle>;
  /** A job that has ended, as long as the grid keeps its record; `undefined` before its end. */
  ended(job: JobId): Promise<JobHandle | undefined>;
  /** Tells, until disposed, when the grid can no longer be reached and when it can be again. */
  watchReach(onChange: (reach: Reach) => void): Disposable;
  /** How many jobs it runs side by side, from now until disposed. */
  capacity(): Promise<Capacity>;
}

export interface SubmitOptions {
  /** The job may have been submitted before: if it has ended by now, the handle tells of that end. */
  readonly again?: boolean;
}

export interface JobHandle {
  readonly id: JobId;
  /**
   * What happens to the job, once: chunks without gap or repeat, whatever attempts they come from, then one final
   * event. Can be read once.
   */
  events(): AsyncIterable<JobEvent>;
  /** Ends the job; resolves when the grid knows. Its events end with `cancelled` unless it had ended before. */
  cancel(reason: string): Promise<void>;
  /** The final record, read from the events if nobody else reads them. */
  result(): Promise<Result>;
}

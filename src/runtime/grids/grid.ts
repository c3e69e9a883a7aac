import type { Charge } from '../protocol/charge.ts';
import type { JobEvent } from '../protocol/events.ts';
import type { JobId } from '../protocol/ids.ts';
import type { JobSpec } from '../protocol/job.ts';
import type { Price, PricesReply, QuoteReply, SetPriceRequest } from '../protocol/prices.ts';
import type { JobSummary, JobView } from '../protocol/replies.ts';
import type { JobsRequest } from '../protocol/requests.ts';
import type { Result } from '../protocol/result.ts';
import type { Capacity } from './capacity.ts';
import type { Reach } from './reach.ts';

export interface SubmitOptions {
  readonly signal?: AbortSignal | undefined;
  /** The job goes on when this process ends; otherwise it is cancelled some time after. */
  readonly detach?: boolean | undefined;
  /** Queue the job even if no worker serves its model now. */
  readonly wait?: boolean | undefined;
  /** Only the worker that runs the job and this process can read its content; does not go with `detach`. */
  readonly sealed?: boolean | undefined;
  /** The job may have been submitted before: if it has ended by now, the handle tells of that end. */
  readonly again?: boolean | undefined;
}

/** What a client can ask of any grid, be it in this process or on many machines. */
export interface Grid extends AsyncDisposable {
  /** Shown to the user as where the job ran. */
  readonly name: string;
  /**
   * Resolves when the job is accepted. Submitting a job again under its id is the same job.
   * @throws AipgError `model-not-found`, `job-refused`, `queue-full`, `grid-unreachable`, `protocol-mismatch`; `usage` for
   * a sealed job that is to be detached
   */
  submit(job: JobSpec, options?: SubmitOptions): Promise<JobHandle>;
  /** A job submitted before, here or elsewhere. What is wrong with its id is told by its methods. */
  job(id: JobId): JobHandle;
  /** Unfinished jobs of the account, and those that ended since a time; the newest last. */
  jobs(request: Omit<JobsRequest, 'protocol'>): Promise<JobSummary[]>;
  /** What would become of a job that were submitted now. @throws AipgError as {@link submit} does */
  quote(job: JobSpec, signal?: AbortSignal): Promise<QuoteReply>;
  /** What its models cost. */
  prices(): Promise<PricesReply>;
  /** Sets the price of a model, as an operator. @throws AipgError `not-permitted`, `model-not-found` */
  setPrice(price: Omit<SetPriceRequest, 'protocol'>): Promise<Price>;
  /** A job that has ended, as long as the grid keeps its record; `undefined` before its end. */
  ended(job: JobId): Promise<JobHandle | undefined>;
  /** Tells, until disposed, when the grid can no longer be reached and when it can be again. */
  watchReach(onChange: (reach: Reach) => void): Disposable;
  /** How many jobs it runs side by side, from now until disposed. */
  capacity(): Promise<Capacity>;
}

export interface JobHandle {
  readonly id: JobId;
  /**
   * What happens to the job, once: chunks without gap or repeat, whatever attempts they come from and whatever breaks
   * on the way, then one final event. Can be read once.
   * @throws AipgError `job-not-found`, `grid-unreachable` when the grid is gone for too long
   */
  events(): AsyncIterable<JobEvent>;
  /**
   * Ends the job; resolves when the grid knows. Its events end with `cancelled` unless it had ended before.
   * @returns whether this ended it
   */
  cancel(reason: string): Promise<boolean>;
  /** The final record, read from the events if nobody else reads them. */
  result(): Promise<Result>;
  /** What holds for its credits; `undefined` where nothing is paid, and of a job submitted elsewhere. */
  charge(): Promise<Charge | undefined>;
  /** All that the grid knows of the job now. @throws AipgError `job-not-found` */
  view(): Promise<JobView>;
}

import type { NatsConnection } from '@nats-io/transport-node';
import type { Lease } from '../bus/lease.ts';
import { ACK_WAIT_MS } from '../bus/provision.ts';
import { Reconnects } from '../bus/reconnects.ts';
import type { LoadedModel } from '../engines/engine.ts';
import type { ControlJob } from '../protocol/control.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import type { Job } from '../protocol/job.ts';
import type { Log } from '../protocol/log.ts';
import type { ProgressReply } from '../protocol/replies.ts';
import { isCutShort, type Result } from '../protocol/result.ts';
import { type HandOver, isSealed } from '../protocol/sealed.ts';
import type { TextInput } from '../protocol/text.ts';
import { AttemptEvents } from './attempt-events.ts';
import {
  brief,
  describeAttempts,
  FINAL_ERRORS,
  logged,
  SAYS_CONTENT,
  withoutContent,
} from './attempt-failure.ts';
import { AttemptStopped } from './attempt-stopped.ts';
import { Claim } from './claim.ts';
import { computeOutput } from './compute.ts';
import { attemptDeadlineMs } from './deadlines.ts';
import { EarlierAttempts } from './earlier-attempts.ts';
import type { WorkerIdentity } from './identity.ts';
import type { WorkerLink } from './link.ts';
import { OutputStream } from './output-stream.ts';
import { AttemptPart } from './part.ts';
import { askProgress } from './progress.ts';
import { receiptFor } from './receipt.ts';
import { retryUntilStopped } from './retry.ts';
import { SealedAttempt } from './sealed-attempt.ts';

/** Before a job that failed here is offered again, in milliseconds. */
const RETRY_DELAY_MS = 500;
/** Before a sealed job is offered again whose client was not heard of, in milliseconds. */
const ABSENT_DELAY_MS = 2_000;

export interface AttemptContext {
  readonly connection: NatsConnection;
  readonly link: WorkerLink;
  readonly identity: WorkerIdentity;
  readonly model: LoadedModel;
  readonly log: Log;
  /** Aborts when the job has to be given back to the queue. */
  readonly giveBack: AbortSignal;
  /** Called when the engine is done with the job, so that its slot can take the next while this one is recorded. */
  readonly onSlotFree: () => void;
}

export type AttemptOutcome = 'done' | 'failed' | 'retried' | AttemptStopped['stop'];

/** One try at a leased job: keeps the lease, goes on where earlier attempts stopped, streams, and ends the job. */
export class Attempt {
  readonly #context: AttemptContext;
  readonly #job: Job;
  readonly #stopped = new AbortController();
  readonly #events: AttemptEvents;
  readonly #output: OutputStream;
  /** Where the job ends before it is done. */
  readonly #part: AttemptPart;
  /** Of a sealed job. */
  readonly #sealed: SealedAttempt | undefined;
  readonly #claim: Claim;
  #lease: Lease;
  #number: number;
  readonly #earlier = new EarlierAttempts();

  constructor(context: AttemptContext, lease: Lease, job: Job) {
    this.#context = context;
    this.#job = job;
    this.#lease = lease;
    this.#number = job.priorAttempts + lease.attempt;
    const { connection, link, identity, model } = context;
    this.#claim = new Claim({
      connection,
      link,
      job,
      proof: () => this.#lease,
      signal: this.#stopped.signal,
      onEnd: (result) => this.#tellEnd(result),
    });
    const { input } = job;
    const sealed = isSealed(input) ? new SealedAttempt(job.id, input, identity) : undefined;
    this.#sealed = sealed;
    this.#events = new AttemptEvents({ connection, identity, modelSha256: model.facts.sha256, job, sealed });
    this.#output = new OutputStream((chunk) => this.#events.chunk(this.#number, chunk), job.stream);
    const { log, giveBack: hurry } = context;
    const modelSha256 = model.facts.sha256;
    this.#part = new AttemptPart({
      ...{ connection, link, identity, log, hurry },
      ...{ job, modelSha256, output: this.#output },
    });
  }

  /**
   * The bus has handed this worker its own job again, as after a restart in which leases ran out: the computation goes
   * on under the new lease.
   */
  adopt(lease: Lease): void {
    this.#lease = lease;
    this.#number = this.#job.priorAttempts + lease.attempt;
    this.#claim.renew(this.#number).catch((error: unknown) => {
      if (error instanceof AttemptStopped) this.#stopped.abort(error);
    });
    this.#events.leased(this.#number, this.#lease);
    this.#output.repeatUnconfirmed();
  }

  /** What a client hands over of a sealed job. @returns whether it is here now */
  take({ content }: Extract<ControlJob, { type: 'content' }>): boolean {
    return this.#sealed?.take(content) ?? false;
  }

  /** What a director says of the job. */
  obey(control: Exclude<ControlJob, { type: 'content' }>): void {
    if (control.type === 'cancel') {
      this.#part.isDue = true;
      this.#stop('cancelled');
    } else if (control.attempt > this.#number) this.#stop('overtaken');
  }

  async run(): Promise<AttemptOutcome> {
    const outcome = await this.#run();
    this.#context.onSlotFree();
    await this.#part.offer(this.#number, this.#lease);
    return outcome;
  }

  async #run(): Promise<AttemptOutcome> {
    const { giveBack, connection } = this.#context;
    const onGiveBack = () => this.#stop('given-back');
    giveBack.addEventListener('abort', onGiveBack);
    if (giveBack.aborted) onGiveBack();
    const unlisten = Reconnects.of(connection).listen((change) => {
      if (change === 'reconnect') this.#afterReconnect();
      if (change === 'close') this.#stop('given-back');
    });
    const renewal = setInterval(() => {
      this.#lease.renew();
      this.#confirm();
    }, ACK_WAIT_MS / 3);
    try {
      const resumed = this.#number > 1 ? await this.#resume() : undefined;
      if (resumed === undefined) this.#events.leased(this.#number, this.#lease);
      const { input, output } = await this.#content(resumed);
      await this.#work(input, output);
      return 'done';
    } catch (thrown) {
      return await this.#endBy(thrown);
    } finally {
      clearInterval(renewal);
      unlisten();
      giveBack.removeEventListener('abort', onGiveBack);
      this.#output[Symbol.dispose]();
    }
  }

  /** Claims the job, so that older attempts end nothing, and learns how far they have come; the director tells them. */
  async #resume(): Promise<ProgressReply> {
    const { connection, identity, model } = this.#context;
    const worker = identity.id;
    const { signal } = this.#stopped;
    await this.#claim.take(this.#number);
    this.#events.leased(this.#number, this.#lease);
    let tries = 0;
    const progress = await retryUntilStopped(connection, signal, () =>
      askProgress(connection, worker, this.#job, this.#lease, this.#number, tries++),
    );
    this.#earlier.set(progress.attempts);
    if (this.#earlier.isGivenUp) throw new AipgError('job-failed', 'The job was given up.');
    const last = progress.attempts.findLast(({ modelSha256 }) => modelSha256 !== undefined);
    if (progress.output.tokens.length > 0 && last?.modelSha256 !== model.facts.sha256) {
      throw this.#otherFile();
    }
    return progress;
  }

  /** What is to be computed, and what of it is there: of a sealed job, the client hands it over. */
  async #content(
    resumed: ProgressReply | undefined,
  ): Promise<{ readonly input: TextInput; readonly output?: Pick<HandOver['output'], 'text' | 'tokens'> }> {
    const { input } = this.#job;
    if (!isSealed(input)) return { input, ...(resumed && { output: resumed.output }) };
    const content = await this.#sealed?.received(this.#stopped.signal);
    if (content === undefined) throw new Error('A sealed job has no content.');
    const { output, modelSha256 } = content;
    if (output.tokens.length > 0 && modelSha256 !== this.#context.model.facts.sha256) throw this.#otherFile();
    return content;
  }

  #otherFile(): AipgError {
    const { identity, model } = this.#context;
    return new AipgError('internal', `Worker ${identity.id} serves another file of ${model.facts.name}.`);
  }

  async #work(
    input: TextInput,
    before: Pick<HandOver['output'], 'text' | 'tokens'> | undefined,
  ): Promise<void> {
    const { model, identity, onSlotFree } = this.#context;
    const startedAt = Date.now();
    if (before) this.#output.startAt(before);
    const remaining = attemptDeadlineMs(this.#job, Date.now());
    const outcome = await computeOutput(model, identity.id, input, {
      output: this.#output,
      // Of a sealed job nothing stays.
      cacheScope: this.#sealed ? undefined : this.#job.account,
      deadlineMs: remaining,
      signal: this.#stopped.signal,
    });
    onSlotFree();
    const { text } = this.#output;
    const tokens = [...this.#output.tokens];
    const period = { startedAt, endedAt: Date.now() };
    // Of a sealed output nobody but the client learns more than how many tokens it has.
    const done = this.#sealed
      ? { text: '', tokens: [], outcome: { ...outcome, textLength: 0, sealed: true as const } }
      : { text, tokens, outcome };
    const sealed = this.#sealed?.end({ text, tokens });
    await this.#claim.end(() => ({
      status: 'done',
      ...done,
      ...(sealed !== undefined && { sealed }),
      receipt: receiptFor(this.#job, this.#number, identity, { ...done, ...period }),
    }));
  }

  /** Tells of the final record and lets go of the job, in this order: a crash in between costs a repeat. */
  #tellEnd(result: Result): void {
    this.#part.isDue = isCutShort(result) && result.part === undefined;
    this.#events.ended(this.#number, result);
    this.#lease.acknowledge();
  }

  async #endBy(thrown: unknown): Promise<AttemptOutcome> {
    const stopped =
      thrown instanceof AttemptStopped
        ? thrown
        : this.#stopped.signal.aborted
          ? (this.#stopped.signal.reason as AttemptStopped)
          : undefined;
    if (stopped === undefined) return await this.#fail(thrown);
    if (stopped.stop === 'cancelled') this.#lease.acknowledge();
    if (stopped.stop === 'not-handed-over') {
      this.#events.retrying(this.#number, 'given-back', 'the client has not handed over the content');
      this.#lease.giveBack(ABSENT_DELAY_MS);
    }
    if (stopped.stop === 'given-back') {
      this.#events.retrying(this.#number, 'given-back', 'the worker is shutting down');
      this.#lease.giveBack();
    }
    return stopped.stop;
  }

  async #fail(thrown: unknown): Promise<AttemptOutcome> {
    const { log, identity } = this.#context;
    const worker = identity.id;
    const error = toAipgError(thrown);
    const attempt = this.#number;
    const said = this.#sealed && SAYS_CONTENT.has(error.code) ? withoutContent(error) : error;
    log.warn({ job: this.#job.id, attempt, code: error.code, reason: logged(said) }, 'attempt failed');
    const isFinal = !this.#earlier.isGivenUp && FINAL_ERRORS.has(error.code);
    if (!isFinal && this.#earlier.mayRetry) {
      this.#events.retrying(this.#number, 'failed', said.message);
      this.#lease.giveBack(RETRY_DELAY_MS);
      return 'retried';
    }
    const attempts = this.#earlier.failedWith({
      attempt,
      worker,
      end: 'failed',
      reason: brief(said.message),
    });
    const failure = isFinal ? said : new AipgError('job-failed', describeAttempts(attempts));
    const { message, hint } = error;
    const sealed =
      said === error ? undefined : this.#sealed?.end({ message, ...(hint !== undefined && { hint }) });
    if (error.code === 'timeout') this.#output.flush();
    try {
      await this.#claim.end(() => ({
        status: 'failed',
        error: failure.toJSON(),
        ...(error.code === 'timeout' && this.#part.withRecord(this.#number)),
        ...(sealed !== undefined && { sealed }),
        ...(!isFinal && { attempts }),
      }));
    } catch (stopped) {
      if (stopped instanceof AttemptStopped) return stopped.stop;
      throw stopped;
    }
    return 'failed';
  }

  /** Once the bus answers, it has all that was sent before. */
  #confirm(): void {
    const confirmed = this.#output.mark();
    this.#context.connection.flush().then(confirmed, () => undefined);
  }

  /** What was sent into a broken connection is lost: the lease's announcement and all that was not confirmed. */
  #afterReconnect(): void {
    this.#lease.renew();
    this.#events.leased(this.#number, this.#lease);
    this.#output.repeatUnconfirmed();
  }

  #stop(stop: AttemptStopped['stop']): void {
    this.#stopped.abort(new AttemptStopped(stop));
  }
}

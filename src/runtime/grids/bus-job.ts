import type { Subscription } from '@nats-io/transport-node';
import { Reconnects } from '../bus/reconnects.ts';
import type { Charge } from '../protocol/charge.ts';
import { decode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { type ChunkEvent, isFinal, type JobEvent, jobEventSchema, type Outcome } from '../protocol/events.ts';
import type { JobId } from '../protocol/ids.ts';
import {
  cancelReplySchema,
  checkReplySchema,
  type JobView,
  jobViewSchema,
  type SubmitReply,
} from '../protocol/replies.ts';
import type { Result } from '../protocol/result.ts';
import { subjects } from '../protocol/subjects.ts';
import { Transcript } from '../protocol/transcript.ts';
import { ask, type GridAddress, gone, MAX_BREAK_MS } from './ask.ts';
import type { JobHandle } from './grid.ts';
import { resultOf } from './result-of.ts';
import type { SealedJob } from './sealed-job.ts';
import { WorkerWatch } from './worker-watch.ts';

/** After this long without news of a job a director is asked for it, in milliseconds: an event may have been lost. */
const SILENCE_MS = 15_000;
/** A gap in the output may close by itself for this long, in milliseconds. */
const GAP_MS = 250;

/** Before a director that did not answer is asked again, in milliseconds. */
const RETRY_MS = 2_000;

/** What the reader of a job's events wakes up for. */
type News = JobEvent | 'look' | 'gone';

/** A job on a bus: its events as they come, and, where some were lost, what a director knows. */
export class BusJob implements JobHandle {
  readonly id: JobId;
  /** Resolves with the first event, which shows that the job was accepted. */
  readonly heard: Promise<void>;
  readonly #grid: GridAddress;
  readonly #subscription: Subscription;
  readonly #unlisten: () => void;
  readonly #news: News[] = [];
  readonly #transcript = new Transcript();
  readonly #watch: WorkerWatch;
  /** Of a sealed job that this process has submitted. */
  readonly #sealed: SealedJob | undefined;
  #wake: (() => void) | undefined;
  #break: NodeJS.Timeout | undefined;
  #gap: NodeJS.Timeout | undefined;
  #isHeard = false;
  /** The answer to its submit, if it is this process's. */
  #submitted: Promise<SubmitReply> | undefined;
  #charge: Promise<Charge | undefined> = Promise.resolve(undefined);

  /** @param attach whether the job may have begun before: then its story so far is asked for first */
  constructor(
    grid: GridAddress,
    id: JobId,
    { attach = false, sealed }: { attach?: boolean; sealed?: SealedJob | undefined } = {},
  ) {
    this.id = id;
    this.#grid = grid;
    this.#sealed = sealed;
    this.#watch = new WorkerWatch((held) => ask(grid, 'check', { job: id, ...held }, checkReplySchema));
    const heard = Promise.withResolvers<void>();
    this.heard = heard.promise;
    this.#subscription = grid.connection.subscribe(subjects.event(grid.account, id), {
      callback: (error, message) => {
        if (error) return;
        const event = decode(jobEventSchema, message.data);
        if (!event.ok) return;
        heard.resolve();
        this.#isHeard = true;
        this.#watch.heard(event.value);
        this.#push(event.value);
      },
    });
    this.#unlisten = Reconnects.of(grid.connection).listen((change) => {
      clearTimeout(this.#break);
      if (change === 'reconnect') this.#push('look');
      else if (change === 'close') {
        this.#push('gone');
        this.close();
      } else this.#break = setTimeout(() => this.#push('gone'), MAX_BREAK_MS);
    });
    if (attach) this.#push('look');
  }

  /** Its first events may come before the bus has it all on disk; until then a director may not know it. */
  submittedBy(reply: Promise<SubmitReply>): void {
    this.#submitted = reply;
    // A job that was heard of has a charge, though the answer that tells it be lost.
    this.#charge = reply.then(
      ({ charge }) => charge,
      () => undefined,
    );
  }

  async *events(): AsyncGenerator<JobEvent> {
    try {
      for (;;) {
        const news = await this.#next();
        if (news === 'gone') throw gone(this.#grid.name);
        for await (const event of news === 'look' ? this.#look() : this.#take(news)) {
          yield event;
          if (isFinal(event)) return;
        }
      }
    } finally {
      this.close();
    }
  }

  async cancel(reason: string): Promise<boolean> {
    const request = { job: this.id, reason };
    const { cancelled, charge } = await this.#known(() =>
      ask(this.#grid, 'cancel', request, cancelReplySchema),
    );
    if (charge) this.#charge = Promise.resolve(charge);
    return cancelled;
  }

  result(): Promise<Result> {
    return resultOf(this.events());
  }

  charge(): Promise<Charge | undefined> {
    return this.#charge;
  }

  view(): Promise<JobView> {
    return this.#known(() => ask(this.#grid, 'job', { job: this.id }, jobViewSchema));
  }

  /** Hears no more of the job. */
  close(): void {
    this.#subscription.unsubscribe();
    this.#unlisten();
    clearTimeout(this.#break);
    clearTimeout(this.#gap);
    this.#watch[Symbol.dispose]();
    this.#sealed?.close();
  }

  async *#take(event: JobEvent): AsyncGenerator<JobEvent> {
    if (event.type === 'sealed') {
      const chunk = this.#sealed?.open(event);
      if (chunk) yield* this.#take(chunk);
      // Its attempt was not heard of.
      else if (this.#sealed) this.#gap ??= setTimeout(() => this.#push('look'), GAP_MS);
      return;
    }
    if (event.type === 'chunk') {
      const piece = this.#add(event);
      if (piece === 'gap') this.#gap ??= setTimeout(() => this.#push('look'), GAP_MS);
      else if (piece) yield piece;
      return;
    }
    // Whichever attempt ended the job ended it, be it an older one; of what went before, only the newest counts.
    if (!isFinal(event) && 'attempt' in event && !this.#transcript.observe(event.attempt)) return;
    if (event.type === 'leased') this.#sealed?.handOver(event, this.#transcript);
    if (event.type === 'done' && this.#lacks(event.outcome)) {
      // A piece was lost on the way; the final record has it all.
      yield* this.#look();
      return;
    }
    yield await this.#inTheClear(event);
  }

  /** Whether pieces of the output have not come; of a sealed one only the count of tokens is told. */
  #lacks({ sealed, textLength, outputTokens }: Outcome): boolean {
    const { text, tokens } = this.#transcript;
    return sealed ? this.#sealed !== undefined && outputTokens > tokens.length : textLength > text.length;
  }

  /** @throws AipgError `not-permitted` for the end of a job that is sealed to another process */
  async #inTheClear(event: JobEvent): Promise<JobEvent> {
    if (event.type === 'failed') return this.#sealed?.openFailure(event) ?? event;
    if (event.type !== 'done' || !event.outcome.sealed) return event;
    if (this.#sealed === undefined) throw (await import('./sealed-job.ts')).sealedToOther(this.id);
    return { ...event, outcome: { ...event.outcome, textLength: this.#transcript.text.length } };
  }

  /** What a director knows that was not heard here. */
  async *#look(): AsyncGenerator<JobEvent> {
    clearTimeout(this.#gap);
    this.#gap = undefined;
    const view = await this.#viewOrLater();
    if (view === undefined) return;
    const { output, sealed, final, attempts } = view;
    if (this.#sealed) for (const attempt of attempts) this.#sealed.learn(attempt);
    const newest = attempts.at(-1);
    if (newest && newest.attempt > this.#transcript.attempt) {
      this.#transcript.observe(newest.attempt);
      yield { type: 'leased', attempt: newest.attempt, worker: newest.worker };
    }
    if (sealed) yield* this.#takeSealed(sealed);
    if (newest && !final) this.#sealed?.handOver(newest, this.#transcript);
    if (output) {
      const piece = this.#add({ type: 'chunk', attempt: this.#transcript.attempt, ...output });
      if (piece && piece !== 'gap') yield piece;
    }
    if (final) yield await this.#inTheClear(final);
  }

  async *#takeSealed({ pieces, end }: NonNullable<JobView['sealed']>): AsyncGenerator<JobEvent> {
    if (this.#sealed === undefined) return;
    for (const piece of pieces) {
      const chunk = this.#sealed.open(piece);
      if (chunk) yield* this.#take(chunk);
    }
    const whole = end === undefined ? undefined : this.#sealed.openEnd(end, this.#transcript.attempt);
    if (whole) yield* this.#take(whole);
  }

  /** Asks again once the submit is answered where a director did not know the job yet. */
  async #known<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      const isEarly = error instanceof AipgError && error.code === 'job-not-found';
      if (this.#submitted === undefined || !isEarly) throw error;
      await this.#submitted;
      this.#submitted = undefined;
      return await request();
    }
  }

  /** A job that was heard of goes on without a director to ask; then it is asked later. */
  async #viewOrLater(): Promise<JobView | undefined> {
    try {
      return await this.view();
    } catch (error) {
      const isBusy = error instanceof AipgError && error.code === 'grid-unreachable' && this.#isHeard;
      if (!isBusy || this.#grid.connection.isClosed()) throw error;
      this.#gap = setTimeout(() => this.#push('look'), RETRY_MS);
      return undefined;
    }
  }

  /** The part of a chunk that is new to the reader. */
  #add(chunk: ChunkEvent): ChunkEvent | 'gap' | undefined {
    const tokenOffset = this.#transcript.tokens.length;
    const textOffset = this.#transcript.text.length;
    const text = this.#transcript.add(chunk);
    if (text === undefined) return 'gap';
    const tokens = this.#transcript.tokens.slice(tokenOffset);
    if (text === '' && tokens.length === 0) return undefined;
    return { ...chunk, tokenOffset, textOffset, text, tokens };
  }

  #push(news: News): void {
    this.#news.push(news);
    this.#wake?.();
  }

  async #next(): Promise<News> {
    for (;;) {
      const news = this.#news.shift();
      if (news !== undefined) return news;
      const { promise, resolve } = Promise.withResolvers<void>();
      const silence = setTimeout(() => this.#push('look'), SILENCE_MS);
      this.#wake = resolve;
      await promise;
      clearTimeout(silence);
      this.#wake = undefined;
    }
  }
}

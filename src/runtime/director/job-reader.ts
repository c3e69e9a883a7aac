import { setTimeout as delay } from 'node:timers/promises';
import { readMessages } from '../bus/read-messages.ts';
import { type RecordStore, readRecord } from '../bus/record.ts';
import { decode } from '../protocol/codec.ts';
import { type AttemptRecord, type JobEvent, jobEventSchema, type SealedEvent } from '../protocol/events.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import type { JobView } from '../protocol/replies.ts';
import { isCutShort, type Result } from '../protocol/result.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';
import { Transcript } from '../protocol/transcript.ts';

/** How often, and after how many milliseconds each time, events that are on their way are looked for again. */
const MAX_TRIES = 20;
const RETRY_MS = 10;

/** What the bus has kept of a job. */
export interface JobHistory {
  readonly model: ModelName | undefined;
  readonly attempts: readonly AttemptRecord[];
  /** The output as far as it is known without a gap. */
  readonly transcript: Transcript;
  /** Of a sealed job, instead of the output: what its client can open. */
  readonly sealed: JobView['sealed'];
  /** Of its last waiting event. */
  readonly waiting: { readonly place: number; readonly estimateMs?: number | undefined } | undefined;
  /** Of its first and last event, in milliseconds since 1970. */
  readonly firstAt: number | undefined;
  readonly result: Result | undefined;
  /** When the result was written, in milliseconds since 1970. */
  readonly endedAt: number | undefined;
}

/** Reads a job's events and record. */
export async function readJob(store: RecordStore, account: Account, job: JobId): Promise<JobHistory> {
  const { record, writtenAt } = await readRecord(store, account, job);
  const result = record?.status === 'claimed' ? undefined : record;
  const history = new HistoryBuilder();
  for await (const { event, at } of readEvents(store, account, job)) history.add(event, at);
  // Since then what was delivered may have been put there, too.
  const endedAt = result && isCutShort(result) ? result.endedAt : undefined;
  return history.build(result, endedAt ?? (result && writtenAt));
}

/** @param until the number of an attempt: reads again until its lease is among the events, or gives up after a while */
export async function readAttemptsBefore(
  store: RecordStore,
  account: Account,
  job: JobId,
  until: number,
): Promise<JobHistory> {
  for (let tries = 0; ; tries++) {
    const history = new HistoryBuilder(until);
    let found = false;
    for await (const { event, at } of readEvents(store, account, job)) {
      found ||= event.type === 'leased' && event.attempt >= until;
      if (found) break;
      history.add(event, at);
    }
    // What the asker published before it asked may still be on its way into the stream.
    if (found || tries === MAX_TRIES) return history.build(undefined, undefined);
    await delay(RETRY_MS);
  }
}

class HistoryBuilder {
  readonly #before: number;
  readonly #transcript = new Transcript();
  readonly #attempts = new Map<number, AttemptRecord>();
  readonly #sealed: SealedEvent[] = [];
  #sealedTokens = 0;
  #isSealed = false;
  #model: ModelName | undefined;
  #waiting: { place: number; estimateMs?: number | undefined } | undefined;
  #firstAt: number | undefined;

  constructor(before = Number.POSITIVE_INFINITY) {
    this.#before = before;
  }

  add(event: JobEvent, at: number): void {
    this.#firstAt ??= at;
    if ('attempt' in event && event.attempt >= this.#before) return;
    switch (event.type) {
      case 'accepted':
        this.#model = event.model;
        break;
      case 'waiting':
        this.#waiting = event;
        break;
      case 'leased': {
        const { attempt, worker, modelSha256, seal } = event;
        this.#transcript.observe(attempt);
        this.#isSealed ||= seal !== undefined;
        this.#attempts.set(attempt, {
          ...{ attempt, worker },
          ...(modelSha256 && { modelSha256 }),
          ...(seal && { seal }),
        });
        break;
      }
      case 'chunk': {
        const before = this.#transcript.tokens.length;
        this.#transcript.add(event);
        this.#addTokens(event.attempt, this.#transcript.tokens.length - before);
        break;
      }
      case 'sealed': {
        this.#sealed.push(event);
        const tokens = event.tokenOffset + event.tokens;
        this.#addTokens(event.attempt, Math.max(0, tokens - this.#sealedTokens));
        this.#sealedTokens = Math.max(tokens, this.#sealedTokens);
        break;
      }
      case 'retrying': {
        const attempt = this.#attempts.get(event.attempt);
        if (attempt) this.#attempts.set(event.attempt, { ...attempt, end: event.end, reason: event.reason });
        break;
      }
    }
  }

  #addTokens(number: number, count: number): void {
    const attempt = this.#attempts.get(number);
    if (attempt) {
      this.#attempts.set(number, { ...attempt, newTokens: (attempt.newTokens ?? 0) + count });
    }
  }

  build(result: Result | undefined, endedAt: number | undefined): JobHistory {
    const newest = Math.max(0, ...this.#attempts.keys());
    const overtaken = this.#before !== Number.POSITIVE_INFINITY;
    const attempts = [...this.#attempts.values()]
      .sort((a, b) => a.attempt - b.attempt)
      .map((attempt): AttemptRecord => {
        if (attempt.end !== undefined || (attempt.attempt === newest && !overtaken)) return attempt;
        return { ...attempt, end: 'lost', reason: 'the worker was heard of no more' };
      });
    return {
      model: this.#model,
      attempts,
      transcript: this.#transcript,
      sealed: this.#sealedOf(result),
      waiting: newest === 0 ? this.#waiting : undefined,
      firstAt: this.#firstAt,
      result,
      endedAt,
    };
  }

  /** The record has all of it. */
  #sealedOf(result: Result | undefined): JobView['sealed'] {
    const end = result === undefined || result.status === 'cancelled' ? undefined : result.sealed;
    if (end !== undefined) return { pieces: [], end };
    return this.#isSealed ? { pieces: this.#sealed } : undefined;
  }
}

interface TimedEvent {
  readonly event: JobEvent;
  readonly at: number;
}

async function* readEvents(
  { connection }: RecordStore,
  account: Account,
  job: JobId,
): AsyncGenerator<TimedEvent> {
  for await (const { data, at } of readMessages(connection, STREAMS.events, {
    subject: subjects.event(account, job),
  })) {
    const event = decode(jobEventSchema, data);
    if (event.ok) yield { event: event.value, at };
  }
}

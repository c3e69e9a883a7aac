import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { finishJob, readResult } from '../bus/finish.ts';
import type { Lease } from '../bus/lease.ts';
import { ACK_WAIT_MS } from '../bus/provision.ts';
import type { Finish, LoadedModel } from '../engines/engine.ts';
import { decode, encode } from '../protocol/codec.ts';
import { AipgError, type ErrorCode, toAipgError } from '../protocol/errors.ts';
import type { JobEvent, Outcome } from '../protocol/events.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { Job } from '../protocol/job.ts';
import type { Log } from '../protocol/log.ts';
import { controlJobSchema } from '../protocol/requests.ts';
import { finalEvent, type Result } from '../protocol/result.ts';
import { subjects } from '../protocol/subjects.ts';
import { ChunkJoiner } from './chunk-joiner.ts';

/** A job that this many attempts could not finish has failed. */
export const MAX_ATTEMPTS = 5;
/** Before a job that failed here is offered again, in milliseconds. */
const RETRY_DELAY_MS = 500;
/** What would fail in the same way on every worker. */
const FINAL_ERRORS: ReadonlySet<ErrorCode> = new Set(['context-exceeded', 'input-invalid', 'timeout']);

/** Why a running attempt is stopped, as the abort reason of its signal. */
export type StopReason = { readonly stop: 'cancelled' | 'given-back' | 'lease-lost' };

export interface AttemptContext {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly worker: WorkerId;
  readonly model: LoadedModel;
  readonly log: Log;
  /** Aborts when the job has to be given back to the queue. */
  readonly giveBack: AbortSignal;
  /** Called when the engine is done with the job, so that its slot can take the next while this one is recorded. */
  readonly onSlotFree: () => void;
}

export type AttemptEnd = 'done' | 'failed' | 'retried' | 'cancelled' | 'given-back';

/** One try at a leased job: keeps the lease, streams the output, and ends it with a result or gives it back. */
export async function runAttempt(context: AttemptContext, lease: Lease, job: Job): Promise<AttemptEnd> {
  const { connection, worker } = context;
  const { attempt } = lease;
  const stopped = new AbortController();
  const stop = (stop: StopReason['stop']) => stopped.abort({ stop } satisfies StopReason);
  const publish = (event: JobEvent) => connection.publish(subjects.event(job.account, job.id), encode(event));

  const control = connection.subscribe(subjects.controlJob(job.id), {
    callback: (_, { data }) => {
      if (decode(controlJobSchema, data).ok) stop('cancelled');
    },
  });
  const giveBack = () => stop('given-back');
  context.giveBack.addEventListener('abort', giveBack);
  const renewal = setInterval(() => lease.renew(), ACK_WAIT_MS / 3);
  const deadline = job.limits.timeoutMs;
  const signals = deadline === undefined ? [stopped.signal] : [stopped.signal, AbortSignal.timeout(deadline)];

  try {
    if (attempt > MAX_ATTEMPTS) {
      throw new AipgError('job-failed', `The job was given up after ${MAX_ATTEMPTS} attempts.`);
    }
    if (attempt > 1 && (await tellIfEnded(context, lease, job, publish))) return 'done';
    publish({ type: 'leased', attempt, worker });
    const output = await generate(context, job, AbortSignal.any(signals), (chunk) =>
      publish({ type: 'chunk', attempt, ...chunk, tokens: [...chunk.tokens] }),
    );
    context.onSlotFree();
    const result = { status: 'done', ...output } as const;
    await end(context, lease, job, result, publish);
    return 'done';
  } catch (thrown) {
    if (stopped.signal.aborted) {
      const { stop: reason } = stopped.signal.reason as StopReason;
      if (reason === 'cancelled') {
        lease.acknowledge();
        return 'cancelled';
      }
      publish({ type: 'retrying', attempt, reason: 'the worker is shutting down' });
      lease.giveBack();
      return 'given-back';
    }
    return await fail(context, lease, job, attempt, thrown, publish);
  } finally {
    clearInterval(renewal);
    context.giveBack.removeEventListener('abort', giveBack);
    control.unsubscribe();
  }
}

async function fail(
  context: AttemptContext,
  lease: Lease,
  job: Job,
  attempt: number,
  thrown: unknown,
  publish: (event: JobEvent) => void,
): Promise<AttemptEnd> {
  const error = isTimeout(thrown)
    ? new AipgError('timeout', `The job did not end within ${job.limits.timeoutMs} ms.`)
    : toAipgError(thrown);
  context.log.warn({ job: job.id, attempt, code: error.code, reason: error.message }, 'attempt failed');
  if (attempt < MAX_ATTEMPTS && !FINAL_ERRORS.has(error.code)) {
    publish({ type: 'retrying', attempt, reason: error.message });
    lease.giveBack(RETRY_DELAY_MS);
    return 'retried';
  }
  const failure = FINAL_ERRORS.has(error.code) ? error : new AipgError('job-failed', error.message);
  await end(context, lease, job, { status: 'failed', error: failure.toJSON() }, publish);
  return 'failed';
}

/** Writes the final record, tells of it and lets go of the job, in this order: a crash in between costs a repeat. */
async function end(
  context: AttemptContext,
  lease: Lease,
  job: Job,
  result: Result,
  publish: (event: JobEvent) => void,
): Promise<void> {
  if (await finishJob(context.jetstream, job.account, job.id, result)) {
    publish(finalEvent(result, lease.attempt));
    lease.acknowledge();
  } else {
    await tellIfEnded(context, lease, job, publish);
  }
}

/** If the job has its final record already, whoever wrote it may not have come to tell. */
async function tellIfEnded(
  { manager }: AttemptContext,
  lease: Lease,
  job: Job,
  publish: (event: JobEvent) => void,
): Promise<boolean> {
  const result = await readResult(manager, job.account, job.id);
  if (result === undefined) return false;
  publish(finalEvent(result, lease.attempt));
  lease.acknowledge();
  return true;
}

async function generate(
  { model, worker }: AttemptContext,
  job: Job,
  signal: AbortSignal,
  send: (chunk: { tokenOffset: number; textOffset: number; text: string; tokens: readonly number[] }) => void,
): Promise<{ text: string; tokens: number[]; outcome: Outcome }> {
  const startedAt = performance.now();
  let firstTokenAt: number | undefined;
  let text = '';
  const tokens: number[] = [];
  let finish: Finish | undefined;
  using joiner = new ChunkJoiner(send);
  for await (const chunk of model.generate(job.input, signal)) {
    firstTokenAt ??= performance.now();
    text += chunk.text;
    for (const token of chunk.tokens) tokens.push(token);
    joiner.add(chunk);
    finish = chunk.finish;
  }
  joiner.flush();
  if (!finish) throw new AipgError('internal', 'The engine ended without a finish.');
  const endedAt = performance.now();
  const outcome: Outcome = {
    model: model.facts.name,
    modelSha256: model.facts.sha256,
    finishReason: finish.reason,
    promptTokens: finish.promptTokens,
    outputTokens: finish.outputTokens,
    textLength: text.length,
    sampler: finish.sampler,
    worker,
    timings: { firstTokenMs: (firstTokenAt ?? endedAt) - startedAt, totalMs: endedAt - startedAt },
  };
  return { text, tokens, outcome };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

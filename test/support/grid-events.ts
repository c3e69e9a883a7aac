import type { GridEvent } from '../../src/runtime/monitor/grid-state.ts';
import {
  type Account,
  accountSchema,
  type JobId,
  jobIdSchema,
  type WorkerId,
} from '../../src/runtime/protocol/ids.ts';
import type { ModelName } from '../../src/runtime/protocol/model.ts';
import { consumerName } from '../../src/runtime/protocol/subjects.ts';
import { type Heartbeat, heartbeatSchema } from '../../src/runtime/protocol/worker.ts';

export const LOCAL: Account = accountSchema.parse('local');

/** The n-th job of a test. */
export function jobId(n: number): JobId {
  const digits = n.toString(32).replace(/[iluo]/g, 'z');
  return jobIdSchema.parse(`${'0'.repeat(26 - digits.length)}${digits}`);
}

export function heartbeat(worker: string, changed: Record<string, unknown> = {}): Heartbeat {
  const { model = 'tiny', ...rest } = changed;
  return heartbeatSchema.parse({
    protocol: 2,
    worker,
    version: '0.1.0',
    state: 'serving',
    models: [
      {
        name: model,
        sha256: '0'.repeat(64),
        architecture: 'llama',
        parameters: 1_000_000,
        trainContextSize: 2_048,
        contextSize: 2_048,
        fileBytes: 4_000_000,
      },
    ],
    slots: { total: 4, busy: 0 },
    jobs: { done: 0, failed: 0 },
    startedAt: 0,
    ...rest,
  });
}

export function beat(worker: string, changed?: Record<string, unknown>): GridEvent {
  return { type: 'heartbeat', heartbeat: heartbeat(worker, changed) };
}

/** What is told of a job, in the words of the protocol's events. */
export const told = {
  accepted: (n: number, model = 'tiny'): GridEvent =>
    news(n, { type: 'accepted', model: model as ModelName }),
  waiting: (n: number, place: number): GridEvent => news(n, { type: 'waiting', place }),
  leased: (n: number, worker: string, attempt = 1, model = 'tiny'): GridEvent =>
    news(n, {
      type: 'leased',
      attempt,
      worker: worker as WorkerId,
      lease: `$JS.ACK.AIPG_JOBS.${consumerName('text', 'standard', 'fresh', model as ModelName)}.1.7.7.0.0`,
    }),
  chunk: (n: number, tokenOffset: number, count: number, attempt = 1): GridEvent =>
    news(n, { type: 'chunk', attempt, tokenOffset, tokens: Array.from({ length: count }, () => 7) }),
  retrying: (n: number, attempt = 1): GridEvent => news(n, { type: 'retrying', attempt, end: 'failed' }),
  done: (n: number, outputTokens: number, model = 'tiny'): GridEvent =>
    news(n, { type: 'done', outcome: { model: model as ModelName, outputTokens } }),
  failed: (n: number): GridEvent => news(n, { type: 'failed', error: { code: 'job-failed' } }),
  cancelled: (n: number): GridEvent => news(n, { type: 'cancelled' }),
};

function news(n: number, what: Extract<GridEvent, { type: 'job' }>['news']): GridEvent {
  return { type: 'job', account: LOCAL, job: jobId(n), news: what };
}

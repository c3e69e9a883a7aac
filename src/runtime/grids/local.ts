import type { Finish, LoadedModel } from '../engines/engine.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import type { JobEvent } from '../protocol/events.ts';
import { LOCAL_ACCOUNT } from '../protocol/ids.ts';
import type { JobSpec } from '../protocol/job.ts';
import type { Grid, JobHandle } from './grid.ts';
import { resultOf } from './result-of.ts';

/** A grid of this process alone: one loaded model, no bus. The model becomes the grid's to dispose. */
export function createLocalGrid(model: LoadedModel): Grid {
  return {
    name: 'local',
    submit: async (job, { signal, detach } = {}) => {
      signal?.throwIfAborted();
      if (detach) throw noGrid('A job of this process ends with it, so it cannot be detached.');
      return startJob(model, job);
    },
    job: () => {
      throw noGrid('This process keeps no jobs.');
    },
    jobs: async () => {
      throw noGrid('This process keeps no jobs.');
    },
    quote: async () => ({ model: model.facts.name, slots: model.slots, charge: null, available: null }),
    prices: async () => ({ prices: [], otherwise: null }),
    setPrice: async () => {
      throw noGrid('What this process answers costs nothing.');
    },
    // What ends here is told here, and nothing is kept.
    ended: async () => undefined,
    watchReach: () => ({ [Symbol.dispose]: () => undefined }),
    capacity: async () => ({ slots: () => model.slots, [Symbol.asyncDispose]: async () => undefined }),
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}

function noGrid(message: string): AipgError {
  return new AipgError('usage', message, { hint: 'Start a grid with `aipg up`, or name one with --grid.' });
}

function startJob(model: LoadedModel, job: JobSpec): JobHandle {
  const cancelled = new AbortController();
  const events = () => run(model, job, cancelled.signal);
  return {
    id: job.id,
    events,
    cancel: async (reason) => {
      cancelled.abort(reason);
      return true;
    },
    charge: async () => undefined,
    result: () => resultOf(events()),
    view: async () => {
      throw noGrid('This process keeps no jobs.');
    },
  };
}

async function* run(model: LoadedModel, job: JobSpec, cancelled: AbortSignal): AsyncGenerator<JobEvent> {
  const attempt = 1;
  const startedAt = performance.now();
  let firstTokenAt: number | undefined;
  let tokenOffset = 0;
  let textOffset = 0;
  let finish: Finish | undefined;
  const timeout = job.limits.timeoutMs;
  const late = new AbortController();
  const signal = AbortSignal.any([cancelled, late.signal]);
  let limit: NodeJS.Timeout | undefined;

  yield { type: 'accepted', model: model.facts.name };
  try {
    if (timeout !== undefined) limit = setTimeout(() => late.abort(), timeout);
    for await (const chunk of model.generate({ ...job.input, cacheScope: LOCAL_ACCOUNT }, signal)) {
      firstTokenAt ??= performance.now();
      if (chunk.tokens.length > 0 || chunk.text !== '') {
        yield {
          type: 'chunk',
          attempt,
          tokenOffset,
          textOffset,
          text: chunk.text,
          tokens: [...chunk.tokens],
        };
      }
      tokenOffset += chunk.tokens.length;
      textOffset += chunk.text.length;
      finish = chunk.finish;
    }
    if (!finish) throw new AipgError('internal', 'The engine ended without a finish.');
  } catch (thrown) {
    if (cancelled.aborted) {
      yield { type: 'cancelled', reason: String(cancelled.reason) };
      return;
    }
    const error = signal.aborted
      ? new AipgError('timeout', `The job did not end within ${timeout} ms.`)
      : toAipgError(thrown);
    yield { type: 'failed', attempt, error: error.toJSON() };
    return;
  } finally {
    clearTimeout(limit);
  }
  const endedAt = performance.now();
  yield {
    type: 'done',
    attempt,
    outcome: {
      model: model.facts.name,
      modelSha256: model.facts.sha256,
      finishReason: finish.reason,
      promptTokens: finish.promptTokens,
      outputTokens: finish.outputTokens,
      textLength: textOffset,
      sampler: finish.sampler,
      timings: { firstTokenMs: (firstTokenAt ?? endedAt) - startedAt, totalMs: endedAt - startedAt },
    },
  };
}

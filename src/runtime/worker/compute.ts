import type { Finish, LoadedModel } from '../engines/engine.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Outcome } from '../protocol/events.ts';
import type { WorkerId } from '../protocol/ids.ts';
import type { TextInput } from '../protocol/text.ts';
import { type Deadline, stallLimitsMs } from './deadlines.ts';
import type { OutputStream } from './output-stream.ts';

export interface ComputeOptions {
  /** What it holds already is where the output goes on. */
  readonly output: OutputStream;
  /** Whose prompts may be known by how soon this one is read; absent: nobody's. */
  readonly cacheScope: string | undefined;
  readonly deadlineMs: Deadline;
  readonly signal: AbortSignal;
}

/**
 * Computes a job's output, or the rest of it.
 * @throws AipgError `timeout` past the job's own limit, `internal` when the engine stalls or is slower than any job may be
 */
export async function computeOutput(
  model: LoadedModel,
  worker: WorkerId,
  input: TextInput,
  { output, cacheScope, deadlineMs, signal }: ComputeOptions,
): Promise<Outcome> {
  const startedAt = performance.now();
  let firstTokenAt: number | undefined;
  let finish: Finish | undefined;
  const resumeFrom = [...output.tokens];
  const limits = stallLimitsMs(input);
  const tooLong = new AbortController();
  const stalled = () =>
    tooLong.abort(new AipgError('internal', 'The engine has made no progress for too long.'));
  let watchdog = setTimeout(stalled, limits.firstToken);
  const deadline = setTimeout(() => tooLong.abort(deadlineMs.error), Math.min(deadlineMs.ms, MAX_TIMER_MS));
  try {
    const given = { ...input, resumeFrom, cacheScope };
    for await (const chunk of model.generate(given, AbortSignal.any([signal, tooLong.signal]))) {
      if (firstTokenAt === undefined) {
        firstTokenAt = performance.now();
        clearTimeout(watchdog);
        watchdog = setTimeout(stalled, limits.nextToken);
      } else watchdog.refresh();
      output.add(chunk);
      finish = chunk.finish;
    }
    output.flush();
  } finally {
    clearTimeout(watchdog);
    clearTimeout(deadline);
  }
  if (!finish) throw new AipgError('internal', 'The engine ended without a finish.');
  const endedAt = performance.now();
  return {
    model: model.facts.name,
    modelSha256: model.facts.sha256,
    finishReason: finish.reason,
    promptTokens: finish.promptTokens,
    outputTokens: finish.outputTokens,
    textLength: output.text.length,
    sampler: finish.sampler,
    worker,
    timings: { firstTokenMs: (firstTokenAt ?? endedAt) - startedAt, totalMs: endedAt - startedAt },
  };
}

/** A timer's longest time. */
const MAX_TIMER_MS = 2 ** 31 - 1;

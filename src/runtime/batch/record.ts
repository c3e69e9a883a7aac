import type { AipgError } from '../protocol/errors.ts';
import type { Outcome } from '../protocol/events.ts';
import type { JobSpec } from '../protocol/job.ts';
import type { Tag } from './request.ts';

/** Enough of a record's start to read {@link RecordHead} from, in bytes. */
export const RECORD_HEAD_BYTES = 64;

/** What the first bytes of a record tell. */
export interface RecordHead {
  readonly index: number;
  readonly failed: boolean;
}

// `index` comes first and `error` right after it, so that going on never has to parse what was written.
const HEAD = /^\{"index":(\d{1,15}),("error":)?/;

export function readRecordHead(bytes: Buffer): RecordHead | undefined {
  const match = HEAD.exec(bytes.toString('latin1', 0, RECORD_HEAD_BYTES));
  return match ? { index: Number(match[1]), failed: match[2] !== undefined } : undefined;
}

/** The documented output line of an answer, with its line break. */
export function answerRecord(
  index: number,
  { id, metadata }: Tag,
  job: JobSpec,
  text: string,
  outcome: Outcome,
): string {
  const { timings } = outcome;
  const record = {
    index,
    id,
    text,
    model: outcome.model,
    modelSha256: outcome.modelSha256,
    finishReason: outcome.finishReason,
    tokens: { prompt: outcome.promptTokens, output: outcome.outputTokens },
    timings: { firstTokenMs: round(timings.firstTokenMs), totalMs: round(timings.totalMs) },
    worker: outcome.worker ?? null,
    sampler: outcome.sampler,
    sampling: job.input.sampling,
    maxTokens: job.input.maxTokens,
    stop: job.input.stop,
    ...(job.input.format && { format: job.input.format }),
    seed: job.input.seed,
    metadata,
  };
  return `${JSON.stringify(record)}\n`;
}

/** The documented output line of a line that has no answer, with its line break. */
export function errorRecord(index: number, { id, metadata }: Tag, error: AipgError): string {
  return `${JSON.stringify({ index, error: error.toJSON(), id, metadata })}\n`;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

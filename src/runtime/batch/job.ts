import { createHash } from 'node:crypto';
import { describeIssue } from '../protocol/codec.ts';
import { parseCredits } from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';
import { type JobId, newJobId } from '../protocol/ids.ts';
import { type JobSpec, jobSpecSchema } from '../protocol/job.ts';
import type { ModelName } from '../protocol/model.ts';
import { deriveSeed, parseSeed, type Seed } from '../protocol/text.ts';
import type { DoneLines } from './done.ts';
import type { BatchDefaults, BatchRequest } from './request.ts';

/** From which the ids and seeds of a batch's jobs follow, so that a batch that goes on makes the same jobs. */
export interface BatchKey {
  /** 128 random bits in hex: nobody else can guess the ids. */
  readonly batch: string;
  readonly seed: Seed;
  /** Lines that had ended in an error are done again, by jobs of their own. */
  readonly retry?: Retry | undefined;
}

export interface Retry {
  /** How often the lines in error have been taken up again, this time included; from 1. */
  readonly round: number;
  readonly lines: DoneLines;
}

/** The seed of a line that has none of its own. */
export function lineSeed(seed: Seed, index: number): Seed {
  return deriveSeed(`batch ${seed} ${index}`);
}

/** @param attempt 1, or more once a job of this line ended without an answer, as by a cancel */
export function lineJobId({ batch, retry }: Omit<BatchKey, 'seed'>, index: number, attempt: number): JobId {
  const round = retry?.lines.has(index) ? ` retry ${retry.round}` : '';
  const hash = createHash('sha256').update(`aipg batch 1\n${batch} ${index} ${attempt}${round}`).digest();
  return newJobId((size) => hash.subarray(0, size));
}

/** Without `maxTokens`, an answer that has to be whole may be this long, as far as the context goes. */
const FORMAT_MAX_TOKENS = 4_096;

export interface LineJob {
  readonly index: number;
  readonly key: BatchKey;
  readonly defaults: BatchDefaults;
  readonly model: ModelName | undefined;
}

/** The job of a line, under its first id. @throws AipgError `input-invalid` when its settings do not go together */
export function lineJob(request: BatchRequest, { index, key, defaults, model }: LineJob): JobSpec {
  const asked = { ...defaults, ...withoutUndefined(request) };
  const format = formatOf(asked);
  const job = jobSpecSchema.safeParse({
    id: lineJobId(key, index, 1),
    model,
    input: {
      prompt: promptOf(request, asked),
      maxTokens: asked.maxTokens ?? (format && FORMAT_MAX_TOKENS),
      format,
      stop: asked.stop,
      sampling: {
        temperature: asked.temperature,
        topP: asked.topP,
        topK: asked.topK,
        minP: asked.minP,
        repeatPenalty: asked.repeatPenalty,
      },
      seed: request.seed === undefined ? lineSeed(key.seed, index) : parseSeed(String(request.seed)),
    },
    stream: false,
    limits: {
      timeoutMs: asked.timeoutMs,
      maxCost: asked.maxPrice === undefined ? undefined : parseCredits(asked.maxPrice),
    },
  });
  if (job.success) return job.data;
  throw new AipgError('input-invalid', `The job is invalid: ${describeIssue(job.error)}.`);
}

function formatOf({ schema, jsonMode = false }: BatchDefaults) {
  if (schema !== undefined) return { type: 'schema', schema };
  return jsonMode ? { type: 'json' } : undefined;
}

function promptOf(request: BatchRequest, { raw = false, system }: BatchDefaults) {
  const { prompt, messages } = request;
  if (raw) {
    if (messages !== undefined) throw new AipgError('input-invalid', 'A raw prompt has no messages.');
    if (request.system !== undefined) {
      throw new AipgError('input-invalid', 'A system prompt needs the chat template that raw leaves out.');
    }
    return { form: 'raw', text: prompt };
  }
  const conversation = messages ?? [{ role: 'user', content: prompt }];
  // A conversation that brings its own instructions keeps them.
  const instructed = system === undefined || conversation[0]?.role === 'system';
  return {
    form: 'chat',
    messages: instructed ? conversation : [{ role: 'system', content: system }, ...conversation],
  };
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}

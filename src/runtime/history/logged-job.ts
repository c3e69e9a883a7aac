import { z } from 'zod';
import { jobIdSchema } from '../protocol/ids.ts';
import { sha256Schema } from '../protocol/model.ts';
import { countSchema } from '../protocol/numbers.ts';
import { type TextInput, textInputSchema } from '../protocol/text.ts';

/** A job as the log keeps it: all that was asked, all that came of it. */
export const loggedJobSchema = z.object({
  id: jobIdSchema,
  /** The id of the conversation's first job. */
  conversation: jobIdSchema,
  /** The conversation's name, where it has one. */
  chat: z.string().nullable(),
  /** Milliseconds since 1970. */
  createdAt: z.int(),
  status: z.enum(['done', 'failed', 'cancelled']),
  input: textInputSchema,
  /** The output, as far as it came. */
  text: z.string(),
  /** Of the model that answered; null where none got so far. */
  model: z.string().nullable(),
  modelSha256: sha256Schema.nullable(),
  /** What `-m` said; null where the model was left open. */
  modelReference: z.string().nullable(),
  sampler: z.string().nullable(),
  finishReason: z.string().nullable(),
  /** The code is one of this release's, or of the one that wrote it. */
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
  tokens: z.object({ prompt: countSchema, output: countSchema }).nullable(),
  timings: z.object({
    firstTextMs: z.number().nullable(),
    totalMs: z.number(),
    tokensPerSecond: z.number().nullable(),
  }),
  grid: z.string(),
  worker: z.string().nullable(),
});
export type LoggedJob = z.infer<typeof loggedJobSchema>;

export const JOB_COLUMNS =
  'jobs.id, jobs.conversation, conversations.name AS chat, created_at, status, input, text, model, model_sha256, ' +
  'model_reference, sampler, finish_reason, error, prompt_tokens, output_tokens, first_text_ms, total_ms, ' +
  'tokens_per_second, grid, worker';

type Row = Record<string, unknown>;

/** @throws Error when the row is not one that {@link toRow} wrote */
export function fromRow(row: Row): LoggedJob {
  return loggedJobSchema.parse({
    id: row['id'],
    conversation: row['conversation'],
    chat: row['chat'],
    createdAt: row['created_at'],
    status: row['status'],
    input: JSON.parse(String(row['input'])),
    text: row['text'],
    model: row['model'],
    modelSha256: row['model_sha256'],
    modelReference: row['model_reference'],
    sampler: row['sampler'],
    finishReason: row['finish_reason'],
    error: row['error'] === null ? null : JSON.parse(String(row['error'])),
    tokens:
      row['prompt_tokens'] === null ? null : { prompt: row['prompt_tokens'], output: row['output_tokens'] },
    timings: {
      firstTextMs: row['first_text_ms'],
      totalMs: row['total_ms'],
      tokensPerSecond: row['tokens_per_second'],
    },
    grid: row['grid'],
    worker: row['worker'],
  });
}

/** The columns of a new row by their names; the conversation's name is kept elsewhere. */
export function toRow(job: LoggedJob): Record<string, string | number | null> {
  return {
    id: job.id,
    conversation: job.conversation,
    created_at: job.createdAt,
    status: job.status,
    prompt: promptOf(job.input),
    system: systemOf(job.input) ?? null,
    input: JSON.stringify(job.input),
    text: job.text,
    model: job.model,
    model_sha256: job.modelSha256,
    model_reference: job.modelReference,
    sampler: job.sampler,
    finish_reason: job.finishReason,
    error: job.error === null ? null : JSON.stringify(job.error),
    prompt_tokens: job.tokens?.prompt ?? null,
    output_tokens: job.tokens?.output ?? null,
    first_text_ms: job.timings.firstTextMs,
    total_ms: job.timings.totalMs,
    tokens_per_second: job.timings.tokensPerSecond,
    grid: job.grid,
    worker: job.worker,
  };
}

/** What was asked last: the raw prompt, or the last message of a conversation. */
export function promptOf({ prompt }: TextInput): string {
  return prompt.form === 'raw' ? prompt.text : (prompt.messages.at(-1)?.content ?? '');
}

export function systemOf({ prompt }: TextInput): string | undefined {
  return prompt.form === 'raw' ? undefined : prompt.messages.find(({ role }) => role === 'system')?.content;
}

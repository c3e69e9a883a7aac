import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Paths } from '../runtime/config/paths.ts';
import { describeIssue } from '../runtime/protocol/codec.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { sha256Schema } from '../runtime/protocol/model.ts';
import { type TextInput, textInputSchema } from '../runtime/protocol/text.ts';
import { loggedJobJson } from './logged-job-json.ts';
import { decodeText, readStdin } from './prompt.ts';

/** Most that is read from a file, in bytes. */
const MAX_FILE = 16 * 1024 * 1024;

/** The part of `gen --json` and of `logs --json` that makes an answer again. */
const jobRecordSchema = z.object({
  id: z.string(),
  status: z.enum(['done', 'failed', 'cancelled']).default('done'),
  model: z.string().nullable(),
  modelSha256: sha256Schema.nullable(),
  modelReference: z.string().nullish(),
  sampler: z.string().nullable(),
  text: z.string(),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

/**
 * The record of a job: of the log by its id or the start of it, of a file when its name has a `.` or a slash, or of
 * stdin for `-`.
 * @throws AipgError `usage` when there is none or it is no record
 */
export async function readRecord(
  paths: Paths,
  source: string,
  signal: AbortSignal,
): Promise<{ record: JobRecord; input: TextInput }> {
  const json = await readJson(paths, source, signal);
  const record = jobRecordSchema.safeParse(json);
  const input = textInputSchema.safeParse(withoutNulls(json));
  if (record.success && input.success) return { record: record.data, input: input.data };
  const wrong = record.error ?? input.error;
  throw new AipgError('usage', `${source} is no record of a job (${wrong ? describeIssue(wrong) : ''}).`, {
    hint: 'It must be one object as `aipg gen --json` or `aipg logs show --json` prints it.',
  });
}

async function readJson(paths: Paths, source: string, signal: AbortSignal): Promise<unknown> {
  if (source === '-') return parseJson((await readStdin({ wanted: true, signal })) ?? '', 'stdin');
  if (/[./\\]/.test(source)) return parseJson(readFile(source), source);
  const { openExistingHistory } = await import('../runtime/history/history.ts');
  using history = await openExistingHistory(paths);
  if (history) return loggedJobJson(history.find(source));
  throw new AipgError('usage', `The log has no job ${JSON.stringify(source)}: nothing is logged yet.`, {
    hint: 'Give what --json printed as a file: aipg gen --replay ./answer.json',
  });
}

function readFile(file: string): string {
  try {
    if (statSync(file).size > MAX_FILE) {
      throw new AipgError('usage', `${file} is larger than ${MAX_FILE} bytes, which no record of a job is.`);
    }
    return decodeText(readFileSync(file));
  } catch (error) {
    if (error instanceof AipgError && error.code === 'usage') throw error;
    throw new AipgError(
      'usage',
      `${file} cannot be read as a record of a job (${(error as Error).message}).`,
    );
  }
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AipgError('usage', `${source} does not hold one JSON object.`, {
      hint: 'It must be one object as `aipg gen --json` or `aipg logs show --json` prints it.',
    });
  }
}

/** In a record what is not there is null; in a job it is absent. */
function withoutNulls(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

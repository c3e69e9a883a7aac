import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { describeIssue } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { sha256Schema } from '../protocol/model.ts';
import { seedSchema } from '../protocol/text.ts';
import { batchDefaultsSchema } from './request.ts';

const count = z.number().int().nonnegative();

/** What a batch has to know of itself to go on: kept beside its output, written before the first line. */
export const batchStateSchema = z.object({
  format: z.literal('aipg-batch-1'),
  /** 128 random bits in hex. */
  batch: z.string().regex(/^[0-9a-f]{32}$/),
  seed: seedSchema,
  input: z.object({ bytes: count, sha256: sha256Schema, lines: count }),
  /** Whether the output is in the order of the input. */
  ordered: z.boolean(),
  defaults: batchDefaultsSchema,
  /** How often its lines in error have been taken up again. */
  retries: count.default(0),
});
export type BatchState = z.infer<typeof batchStateSchema>;

/** Where a batch keeps it. */
export function batchStateFile(output: string): string {
  return `${output}.batch`;
}

/** @throws AipgError `usage` when what is there cannot be read; `undefined` when nothing is there */
export async function readBatchState(output: string): Promise<BatchState | undefined> {
  const file = batchStateFile(output);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AipgError('usage', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
  const state = batchStateSchema.safeParse(parseJson(text));
  if (state.success) return state.data;
  throw new AipgError('usage', `${file} is not the state of a batch (${describeIssue(state.error)}).`, {
    hint: `Delete ${output} and ${file} to start over.`,
  });
}

/** Readable by its owner alone: whoever knows the batch's number knows the ids of its jobs. */
export async function writeBatchState(output: string, state: BatchState): Promise<void> {
  const file = batchStateFile(output);
  {
    await using handle = await open(`${file}.new`, 'w', 0o600);
    await handle.writeFile(`${JSON.stringify(state, undefined, 2)}\n`);
    await handle.sync();
  }
  await rename(`${file}.new`, file);
  await syncFolder(dirname(file));
}

/** So that the machine finds the new name again after a crash; not every platform can. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // The file itself is safe; its name is as safe as this platform makes it.
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

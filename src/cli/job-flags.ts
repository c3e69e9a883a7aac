import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import type { Grid } from '../runtime/grids/grid.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { type JobId, jobIdSchema } from '../runtime/protocol/ids.ts';
import { type JobSpec, tierSchema } from '../runtime/protocol/job.ts';

/** Flags that say how a job goes to a grid. */
export const submitFlags = {
  tier: Flags.option({ options: tierSchema.options })({
    description: 'Its place in the queue. Default: standard.',
    helpGroup: 'GRID',
  }),
  wait: Flags.boolean({
    description: 'Wait in the queue even if no worker serves the model now.',
    helpGroup: 'GRID',
  }),
  sealed: Flags.boolean({
    description: 'Encrypt prompt and answer for the one worker that takes the job; see docs/security.md.',
    helpGroup: 'GRID',
    exclusive: ['batch'],
  }),
  detach: Flags.boolean({
    char: 'd',
    description: 'Print the job’s id and leave it to the grid; see aipg jobs.',
    helpGroup: 'GRID',
    exclusive: ['no-stream', 'stats', 'continue', 'chat', 'check', 'schema', 'json-mode', 'batch'],
  }),
};

/** Submits a job and prints its id; the grid does the rest. */
export async function leaveToGrid(
  grid: Grid,
  job: JobSpec,
  { wait, sealed, json, signal }: { wait: boolean; sealed: boolean; json: boolean; signal: AbortSignal },
): Promise<void> {
  const { id } = await grid.submit(job, { signal, wait, sealed, detach: true });
  process.stdout.write(json ? `${JSON.stringify({ id, grid: grid.name })}\n` : `${id}\n`);
}

export const jobArg = Args.string({ required: true, ignoreStdin: true, description: 'The job’s id.' });

/** @throws AipgError `usage` when the text is no id */
export function parseJobId(text: string): JobId {
  const id = jobIdSchema.safeParse(text.trim().toLowerCase());
  if (id.success) return id.data;
  throw new AipgError('usage', `${JSON.stringify(text)} is no job’s id: those have 26 letters and digits.`, {
    hint: 'See them with aipg jobs.',
  });
}

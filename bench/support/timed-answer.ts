import type { Grid } from '../../src/runtime/grids/grid.ts';
import type { JobSpec } from '../../src/runtime/protocol/job.ts';

export interface TimedAnswer {
  readonly text: string;
  readonly tokens: number;
  /** From the submit to the first text, in milliseconds. */
  readonly firstTokenMs: number;
  /** From the first text to the final event. */
  readonly tokensPerSecond: number;
}

/** Asks a grid as `aipg gen` does. */
export async function timedAnswer(grid: Grid, job: JobSpec): Promise<TimedAnswer> {
  const startedAt = performance.now();
  let firstAt: number | undefined;
  let text = '';
  const handle = await grid.submit(job);
  for await (const event of handle.events()) {
    if (event.type === 'chunk') {
      firstAt ??= performance.now();
      text += event.text;
    } else if (event.type === 'done') {
      const endedAt = performance.now();
      const first = firstAt ?? endedAt;
      const tokens = event.outcome.outputTokens;
      return {
        text,
        tokens,
        firstTokenMs: first - startedAt,
        tokensPerSecond: (1_000 * (tokens - 1)) / (endedAt - first),
      };
    } else if (event.type === 'failed' || event.type === 'cancelled') {
      throw new Error(`job ${job.id}: ${JSON.stringify(event)}`);
    }
  }
  throw new Error(`job ${job.id} ended without a final event`);
}

import type { History } from './grid-snapshot.ts';

/** Seconds that are kept: what the widest graph shows. */
export const HISTORY_SECONDS = 600;

/** Adds a second to each line; what is older than is kept falls out. */
export function addSample(history: History, sample: { readonly [Name in keyof History]: number }): void {
  for (const name of Object.keys(sample) as (keyof History)[]) {
    const line = history[name] as number[];
    line.push(sample[name]);
    if (line.length > HISTORY_SECONDS) line.shift();
  }
}

export function emptyHistory(): History {
  return {
    jobsPerSecond: [],
    tokensPerSecond: [],
    waiting: [],
    busy: [],
    workers: [],
    firstTokenP50Ms: [],
    firstTokenP95Ms: [],
  };
}

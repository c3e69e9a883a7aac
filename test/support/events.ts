import type { JobEvent } from '../../src/runtime/protocol/events.ts';

/** Reads events up to one that fits, which is the last of those returned. */
export async function until(
  events: AsyncIterator<JobEvent>,
  fits: (event: JobEvent) => boolean,
): Promise<JobEvent[]> {
  const seen: JobEvent[] = [];
  for (;;) {
    const next = await events.next();
    if (next.done) throw new Error(`The job ended before that: ${JSON.stringify(seen.at(-1))}`);
    seen.push(next.value);
    if (fits(next.value)) return seen;
  }
}

export const isChunk = (event: JobEvent): boolean => event.type === 'chunk';

/** All that is left to read. */
export async function rest(events: AsyncIterator<JobEvent>): Promise<JobEvent[]> {
  const seen: JobEvent[] = [];
  for (;;) {
    const next = await events.next();
    if (next.done) return seen;
    seen.push(next.value);
  }
}

/** What a reader has, put together as it came; throws where a chunk does not begin where the last one ended. */
export function textOf(events: readonly JobEvent[]): string {
  let text = '';
  for (const event of events) {
    if (event.type !== 'chunk') continue;
    if (event.textOffset !== text.length)
      throw new Error(`A chunk begins at ${event.textOffset}, not ${text.length}.`);
    text += event.text;
  }
  return text;
}

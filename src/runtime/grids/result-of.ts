import type { JobEvent } from '../protocol/events.ts';
import type { Result } from '../protocol/result.ts';
import { Transcript } from '../protocol/transcript.ts';

/** Reads a job's events to the end and makes its final record of them. */
export async function resultOf(events: AsyncIterable<JobEvent>): Promise<Result> {
  const transcript = new Transcript();
  for await (const event of events) {
    switch (event.type) {
      case 'chunk':
        transcript.add(event);
        break;
      case 'done':
        return {
          status: 'done',
          text: transcript.text,
          tokens: [...transcript.tokens],
          outcome: event.outcome,
        };
      case 'failed':
        return { status: 'failed', error: event.error };
      case 'cancelled':
        return { status: 'cancelled', reason: event.reason };
    }
  }
  throw new Error('The events of a job ended without a final one.');
}

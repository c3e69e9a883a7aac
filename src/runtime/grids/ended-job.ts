import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { needsDirector } from '../bus/identity.ts';
import { readResult } from '../bus/record.ts';
import type { JobEvent } from '../protocol/events.ts';
import type { JobId } from '../protocol/ids.ts';
import { finalEvent, type Result, resultReplySchema } from '../protocol/result.ts';
import { ask, type GridAddress } from './ask.ts';
import { BusJob } from './bus-job.ts';
import type { JobHandle } from './grid.ts';

/** A handle of a job that ended before, from its final record; `undefined` while it has none. */
export async function endedJob(grid: GridAddress, id: JobId): Promise<JobHandle | undefined> {
  const result = await finalRecord(grid, id);
  if (result === undefined) return undefined;
  return {
    id,
    events: () => eventsOf(id, result),
    cancel: async () => false,
    charge: async () => undefined,
    result: async () => result,
    view: async () => {
      const job = new BusJob(grid, id);
      try {
        return await job.view();
      } finally {
        job.close();
      }
    },
  };
}

async function finalRecord(grid: GridAddress, id: JobId): Promise<Result | undefined> {
  const { connection, account } = grid;
  if (needsDirector(connection)) {
    return (await ask(grid, 'result', { job: id }, resultReplySchema)).result ?? undefined;
  }
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return readResult({ connection, manager, jetstream: jetstream(connection) }, account, id);
}

async function* eventsOf(id: JobId, result: Result): AsyncGenerator<JobEvent> {
  const attempt = 1;
  if (result.status === 'done') {
    if (result.outcome.sealed) throw (await import('./sealed-job.ts')).sealedToOther(id);
    const { text, tokens } = result;
    yield { type: 'chunk', attempt, tokenOffset: 0, textOffset: 0, text, tokens };
  }
  yield finalEvent(result, attempt);
}

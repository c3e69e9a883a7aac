import type { NatsConnection } from '@nats-io/transport-node';
import type { JobEvent } from '../protocol/events.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { finalEvent, type Result } from '../protocol/result.ts';
import type { JobHandle } from './grid.ts';

/** A handle of a job that ended before, from its final record; `undefined` while it has none. */
export async function endedJob(
  connection: NatsConnection,
  account: Account,
  id: JobId,
): Promise<JobHandle | undefined> {
  const [{ jetstreamManager }, { readResult }] = await Promise.all([
    import('@nats-io/jetstream'),
    import('../bus/finish.ts'),
  ]);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const result = await readResult(manager, account, id);
  if (result === undefined) return undefined;
  return {
    id,
    events: () => eventsOf(result),
    cancel: async () => undefined,
    result: async () => result,
  };
}

async function* eventsOf(result: Result): AsyncGenerator<JobEvent> {
  const attempt = 1;
  if (result.status === 'done') {
    const { text, tokens } = result;
    yield { type: 'chunk', attempt, tokenOffset: 0, textOffset: 0, text, tokens };
  }
  yield finalEvent(result, attempt);
}

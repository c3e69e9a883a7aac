import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { type Account, accountSchema, type JobId, jobIdSchema } from '../protocol/ids.ts';
import type { ModelName } from '../protocol/model.ts';
import { decodeToken, parseConsumerName, patterns, STREAMS } from '../protocol/subjects.ts';

/** Jobs in the queues of each model that no worker has taken. */
export async function readWaiting(manager: JetStreamManager): Promise<Map<ModelName, number>> {
  const waiting = new Map<ModelName, number>();
  const add = (model: ModelName | undefined, count: number) => {
    if (model !== undefined) waiting.set(model, (waiting.get(model) ?? 0) + count);
  };
  // Accepted and not ended, less those that are in work.
  const subjects = await subjectsOf(manager, STREAMS.jobs, patterns.jobs);
  for (const [subject, count] of Object.entries(subjects)) {
    add(decodeToken(subject.split('.')[5] ?? ''), count);
  }
  if (waiting.size > 0) {
    for await (const { name, num_ack_pending } of manager.consumers.list(STREAMS.jobs)) {
      if (num_ack_pending > 0) add(parseConsumerName(name).model, -num_ack_pending);
    }
  }
  for (const [model, count] of waiting) if (count <= 0) waiting.delete(model);
  return waiting;
}

/** The jobs that directors look after: those that are unfinished, and some that ended lately. */
export async function readAccepted(manager: JetStreamManager): Promise<{ account: Account; job: JobId }[]> {
  const subjects = await subjectsOf(manager, STREAMS.accepted, patterns.accepted);
  return Object.keys(subjects).flatMap((subject) => {
    const [, , account, job] = subject.split('.');
    const parsed = { account: accountSchema.safeParse(account), job: jobIdSchema.safeParse(job) };
    return parsed.account.success && parsed.job.success
      ? [{ account: parsed.account.data, job: parsed.job.data }]
      : [];
  });
}

/** A bus on which nobody has set up a grid yet has no streams. */
async function subjectsOf(
  manager: JetStreamManager,
  stream: string,
  filter: string,
): Promise<Record<string, number>> {
  try {
    const { state } = await manager.streams.info(stream, { subjects_filter: filter });
    return state.subjects ?? {};
  } catch (error) {
    if (error instanceof JetStreamApiError) return {};
    throw error;
  }
}

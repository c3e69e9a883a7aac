import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decode, encode } from '../protocol/codec.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import { jobViewSchema } from '../protocol/replies.ts';
import { subjects } from '../protocol/subjects.ts';
import type { KnownJob } from './job-table.ts';
import { readAccepted } from './queues.ts';

/** Most jobs that directors are asked for at the start, and at a time. */
const MAX_ASKED = 200;
const AT_ONCE = 8;
/** How long a director may take to answer, in milliseconds. */
const ANSWER_MS = 2_000;

export interface KnownJobs {
  readonly unfinished: ReadonlySet<JobId>;
  readonly jobs: readonly KnownJob[];
}

/**
 * The jobs that are unfinished now, and what a director knows of them but for their output. Of those beyond
 * {@link MAX_ASKED}, or where no director answers, only the ids are known.
 */
export async function readKnownJobs(
  connection: NatsConnection,
  manager: JetStreamManager,
): Promise<KnownJobs> {
  const accepted = await readAccepted(manager);
  const left = accepted.slice(-MAX_ASKED);
  const jobs: KnownJob[] = [];
  const askOneByOne = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const known = await askFor(connection, next.account, next.job);
      if (known) jobs.push(known);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOneByOne));
  jobs.sort((a, b) => (a.view.acceptedAt ?? 0) - (b.view.acceptedAt ?? 0));
  return { unfinished: new Set(accepted.map(({ job }) => job)), jobs };
}

async function askFor(
  connection: NatsConnection,
  account: Account,
  job: JobId,
): Promise<KnownJob | undefined> {
  const request = encode({ protocol: PROTOCOL_VERSION, job, withOutput: false });
  const reply = await connection
    .request(subjects.request(account, 'job'), request, { timeout: ANSWER_MS })
    .catch(() => undefined);
  const view = reply && decode(jobViewSchema, reply.data);
  return view?.ok ? { account, view: view.value } : undefined;
}

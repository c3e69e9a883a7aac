import { faultPoint } from '../bus/fault-point.ts';
import { provisionQueues } from '../bus/provision.ts';
import { type RecordStore, readResult } from '../bus/record.ts';
import type { Roster } from '../bus/roster.ts';
import { encode } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, newTicket } from '../protocol/ids.ts';
import type { Job } from '../protocol/job.ts';
import { type Asker, type KeyLimits, mayUse } from '../protocol/key-limits.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import type { ModelName } from '../protocol/model.ts';
import type { SubmitRequest } from '../protocol/requests.ts';
import { finalEvent } from '../protocol/result.ts';
import { isSealed } from '../protocol/sealed.ts';
import { subjects } from '../protocol/subjects.ts';
import type { AcceptedRecord, OwnWait } from './accepted.ts';
import type { Charged, Charges } from './charges.ts';
import { chooseAllowed } from './choose-model.ts';
import { endQueued } from './job-ends.ts';
import type { OwnLane } from './own-lane.ts';
import type { Policy } from './policy/policy.ts';
import { servedUnder } from './policy/served-under.ts';
import { queueJob, writeAccepted } from './queue-job.ts';
import type { Rates } from './rates.ts';
import type { RecentTickets } from './recent-tickets.ts';
import type { Unfinished } from './unfinished.ts';
import type { WaitingJobs } from './waiting.ts';

export interface Admission {
  readonly store: RecordStore;
  readonly policy: Policy;
  readonly roster: Roster;
  readonly unfinished: Unfinished;
  readonly waiting: WaitingJobs;
  /** `undefined` where nobody has a key, and so no worker an account of its own. */
  readonly own: OwnLane | undefined;
  /** `undefined` where credits are off. */
  readonly charges: () => Promise<Charges | undefined>;
  /** Resolves when the models that workers have brought have a price, as far as there is one. */
  readonly priced: () => Promise<void>;
  /** Of keys that may ask for so many jobs a minute. */
  readonly rates: Rates;
  readonly tickets: RecentTickets;
  readonly now: () => number;
  readonly log: Log;
}

/** By which the ledger refuses to hold a job's credits. */
const REFUSALS: ReadonlySet<string> = new Set(['insufficient-credits', 'job-refused', 'ledger-refused']);

/**
 * Admits a job, holds its credits, queues it, and writes down that it was accepted, in this order: credits held for a
 * job that never was queued are given back, and a job whose credits a director that was not known of has spent at the
 * same moment is withdrawn. A job that was submitted before, as after a lost answer, is not queued again.
 * @param asker of a key with limits: these are kept
 * @throws AipgError `policy-refused`, `rate-limited`, `model-not-found`, `queue-full`, `insufficient-credits`, `not-permitted`
 */
export async function submitJob(
  admission: Admission,
  account: Account,
  request: SubmitRequest,
  { key, limits }: Pick<Asker, 'key' | 'limits'> = {},
): Promise<Job> {
  const { store, policy, unfinished, waiting, own: ownLane, charges, rates, tickets, now, log } = admission;
  const { job: spec, client } = request;
  if (isSealed(spec.input) && client === undefined) {
    throw new AipgError('job-refused', 'A sealed job needs its client, which alone has the content.');
  }
  await policy.admit(account, spec);
  const model = await modelFor(admission, request, limits);
  await rates.admit({ key, limits });
  await admission.priced();
  const lane = await unfinished.admit(account, model);
  const isOwn = ownLane?.takes(account, model) ?? false;
  const holding = (await charges())?.reserve(account, spec, model, isOwn);
  const expected = await holding?.expected;
  const job: Job = {
    ...spec,
    model,
    account,
    protocol: PROTOCOL_VERSION,
    acceptedAt: now(),
    priorAttempts: 0,
    ...(client !== undefined && { client }),
    ...(expected?.outcome === 'reserved' && { price: expected.price }),
  };
  // Queued again it would be done again, and for nothing.
  if (expected?.outcome === 'ended') {
    await tellIfEnded(store, job);
    return job;
  }
  const ticket = newTicket();
  tickets.add(account, job.id, ticket);
  faultPoint('before-queue');
  // Sent behind what holds its credits; then both answers are waited for.
  const { sequence, isDuplicate } = await queueJob(store, job, lane, job.id, {
    ticket,
    own: ownWait(isOwn, expected),
  });
  let held: Charged | undefined;
  try {
    held = await holding?.held;
  } catch (error) {
    // Else nobody knows whether they are held: whoever asks again finds out.
    const isRefused = error instanceof AipgError && REFUSALS.has(error.code);
    if (isRefused && !isDuplicate) {
      log.warn({ job: job.id, account, reason: error.message }, 'a job was withdrawn from the queue');
      await endQueued(store, { job, sequence }, { status: 'failed', error: error.toJSON() });
    }
    throw error;
  }
  faultPoint('after-queue');
  const own = ownWait(isOwn, held);
  const accepted: AcceptedRecord = { sequence, lane, job, ...(own && { own }) };
  await writeAccepted(store, accepted, job.id, ticket);
  faultPoint('after-accept');
  if (isDuplicate) await tellIfEnded(store, job);
  else waiting.add(accepted);
  return job;
}

/** Whether a job waits for its account's own workers first, or for them alone. */
function ownWait(isOwn: boolean, charged: Charged | undefined): OwnWait | undefined {
  if (charged?.outcome === 'reserved' && !charged.isCovered) return 'only';
  return isOwn ? 'first' : undefined;
}

/** The first asker may have missed the end; the second hears of it. */
async function tellIfEnded(store: RecordStore, { account, id }: Job): Promise<void> {
  const result = await readResult(store, account, id);
  if (result) store.connection.publish(subjects.event(account, id), encode(finalEvent(result, 1)));
}

/** The model that serves a job. @throws AipgError `model-not-found`, `not-permitted` for one that the key is not for */
export async function modelFor(
  { store, policy, roster }: Admission,
  { job, wait }: Pick<SubmitRequest, 'job' | 'wait'>,
  limits?: KeyLimits,
): Promise<ModelName> {
  try {
    return chooseAllowed(job.model, servedUnder(policy, roster, job.model), limits);
  } catch {
    // A worker that came this moment may be on the bus and not yet told of.
    await roster.refresh();
    try {
      return chooseAllowed(job.model, servedUnder(policy, roster, job.model), limits);
    } catch (error) {
      const loading = roster.loading().filter(({ model }) => mayUse(limits, model));
      // Of a model that nobody serves, nobody knows the file.
      const expected = wait && !policy.hasModelList ? (job.model ?? loading[0]?.model) : undefined;
      if (expected === undefined || !mayUse(limits, expected)) throw error;
      await provisionQueues(store.manager, job.kind, expected);
      return expected;
    }
  }
}

import type { RecordStore } from '../bus/record.ts';
import { readResult } from '../bus/record.ts';
import type { Log } from '../protocol/log.ts';
import {
  cancelRequestSchema,
  checkRequestSchema,
  handOverRequestSchema,
  jobRequestSchema,
  jobsRequestSchema,
  resultRequestSchema,
  submitRequestSchema,
} from '../protocol/requests.ts';
import type { Endpoints } from './endpoints.ts';
import { handOver } from './hand-over.ts';
import { cancelJob, checkWorker, listJobs, viewJob } from './jobs.ts';
import { type Admission, submitJob } from './submit.ts';

export interface AccountCounts {
  accepted: number;
  cancelled: number;
}

/** What accounts ask of their jobs. */
export function serveAccounts(
  endpoints: Endpoints,
  store: RecordStore,
  admission: Admission,
  counts: AccountCounts,
  log: Log,
): void {
  endpoints.ofAccount('submit', submitRequestSchema, async (account, submitted, asker) => {
    const job = await submitJob(admission, account, submitted, asker);
    counts.accepted += 1;
    log.info({ job: job.id, account, model: job.model, tier: job.tier }, 'job accepted');
    const charge = (await admission.charges())?.chargeOf(job.id);
    return { job: job.id, model: job.model, ...(charge && { charge }) };
  });
  endpoints.ofAccount('cancel', cancelRequestSchema, async (account, cancel) => {
    const charge = (await admission.charges())?.chargeOf(cancel.job);
    const cancelled = await cancelJob(store, account, cancel);
    if (cancelled) {
      counts.cancelled += 1;
      log.info({ job: cancel.job, account }, 'job cancelled');
    }
    return { job: cancel.job, cancelled, ...(cancelled && charge && { charge }) };
  });
  endpoints.ofAccount('check', checkRequestSchema, async (account, check) => ({
    job: check.job,
    givenBack: await checkWorker(store, account, check, admission.own),
  }));
  endpoints.ofAccount('handover', handOverRequestSchema, async (account, asked) => ({
    taken: await handOver(store, account, asked),
  }));
  endpoints.ofAccount('job', jobRequestSchema, (account, asked) => viewJob(store, account, asked));
  endpoints.ofAccount('jobs', jobsRequestSchema, async (account, asked) => ({
    jobs: await listJobs(store, account, asked),
  }));
  endpoints.ofAccount('result', resultRequestSchema, async (account, { job }) => ({
    result: (await readResult(store, account, job)) ?? null,
  }));
}

import type { RecordStore } from '../bus/record.ts';
import { isInbox } from '../protocol/permissions.ts';
import { progressRequestSchema } from '../protocol/requests.ts';
import {
  beatRequestSchema,
  claimRequestSchema,
  finishRequestSchema,
  leaseRequestSchema,
  nextRequestSchema,
  provisionRequestSchema,
} from '../protocol/worker-requests.ts';
import type { Endpoints } from './endpoints.ts';
import { viewProgress } from './jobs.ts';
import {
  beatFor,
  claimFor,
  finishFor,
  provisionFor,
  requestNextFor,
  sayOfLeaseFor,
} from './worker-requests.ts';

/** What workers ask, and what a director does on the bus for those whose keys give them no right to. */
export function serveWorkers(endpoints: Endpoints, store: RecordStore): void {
  endpoints.ofWorker('progress', progressRequestSchema, (_, asked) => viewProgress(store, asked));
  endpoints.ofWorker('provision', provisionRequestSchema, (_, asked) => provisionFor(store, asked));
  endpoints.ofWorker('claim', claimRequestSchema, (worker, asked) => claimFor(store, worker, asked));
  endpoints.ofWorker('finish', finishRequestSchema, (worker, asked) => finishFor(store, worker, asked));
  endpoints.ofWorker('beat', beatRequestSchema, (worker, asked) => beatFor(store, worker, asked));
  endpoints.noticeOfWorker('lease', leaseRequestSchema, (said) => sayOfLeaseFor(store, said));
  endpoints.noticeOfWorker('next', nextRequestSchema, (asked, reply) => {
    if (isInbox(reply)) requestNextFor(store, asked, reply);
  });
}

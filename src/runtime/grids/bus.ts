import type { NatsConnection } from '@nats-io/transport-node';
import { AipgError } from '../protocol/errors.ts';
import { type Account, type JobId, newClientId } from '../protocol/ids.ts';
import { jobsReplySchema, submitReplySchema } from '../protocol/replies.ts';
import { subjects } from '../protocol/subjects.ts';
import { ask, askAsOperator, type GridAddress } from './ask.ts';
import { BusJob } from './bus-job.ts';
import type { Grid } from './grid.ts';
import { watchReach } from './reach.ts';

export interface BusGridOptions {
  /** The grid's name in the user's profiles, or its address. */
  readonly name: string;
  /** Becomes the grid's to close. */
  readonly connection: NatsConnection;
  readonly account: Account;
}

/** A grid behind a message bus: directors admit the jobs, workers run them. */
export function createBusGrid({ name, connection, account }: BusGridOptions): Grid {
  const grid: GridAddress = { name, connection, account };
  const ended = async (job: JobId) => (await import('./ended-job.ts')).endedJob(grid, job);
  const client = newClientId();
  let present = false;
  /** From then on directors that ask whether this process is still there get an answer. */
  const bePresent = () => {
    if (!present) {
      connection.subscribe(subjects.client(account, client), {
        callback: (error, message) => void (error ?? message.respond()),
      });
    }
    present = true;
  };
  return {
    name,
    ended,
    watchReach: (onChange) => watchReach(connection, onChange),
    capacity: async () => (await import('./capacity.ts')).busCapacity(connection),
    submit: async (spec, { signal, detach = false, wait = false, again = false, sealed = false } = {}) => {
      signal?.throwIfAborted();
      if (sealed && detach) throw sealedDetached();
      const before = again ? await ended(spec.id) : undefined;
      if (before) return before;
      if (!detach) bePresent();
      // Before the request, so that no event can be missed.
      const secret = sealed ? new (await import('./sealed-job.ts')).SealedJob(grid, spec) : undefined;
      const job = new BusJob(grid, spec.id, { sealed: secret });
      try {
        const request = { job: secret?.submitted ?? spec, wait, ...(!detach && { client }) };
        const reply = ask(grid, 'submit', request, submitReplySchema, signal);
        // A job that has events was accepted; the reply comes only when the bus has it all on disk.
        reply.catch(() => undefined);
        job.submittedBy(reply);
        await (detach ? reply : Promise.race([reply, job.heard]));
        return job;
      } catch (error) {
        job.close();
        throw error;
      }
    },
    job: (id) => new BusJob(grid, id, { attach: true }),
    quote: async (job, signal) => {
      const { quoteReplySchema } = await import('../protocol/prices.ts');
      return await ask(grid, 'quote', { job }, quoteReplySchema, signal);
    },
    prices: async () => {
      const { pricesReplySchema } = await import('../protocol/prices.ts');
      return await ask(grid, 'prices', {}, pricesReplySchema);
    },
    setPrice: async (price) => {
      const { setPriceReplySchema } = await import('../protocol/prices.ts');
      return await askAsOperator(grid, 'price', price, setPriceReplySchema);
    },
    jobs: async (request) => (await ask(grid, 'jobs', request, jobsReplySchema)).jobs,
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function sealedDetached(): AipgError {
  return new AipgError(
    'usage',
    'A sealed job cannot be detached: only this process can hand its content to the worker.',
    {
      hint: 'Leave out --detach, or --sealed.',
    },
  );
}

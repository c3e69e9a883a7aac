import { argv } from 'node:process';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { JobSpec } from '../../src/runtime/protocol/job.ts';
import { BARE, type BareEvent, fromBytes, toBytes } from '../support/bare-bus.ts';
import { rawJob } from '../support/job.ts';
import { type LoadRequest, runLoad } from '../support/load.ts';
import { playRole } from '../support/role.ts';

const [, , url = '', path = 'kept'] = argv;

/** Asks for jobs with nothing but the client library, with admission (`kept`) or straight to the queue (`direct`). */
await playRole(async () => {
  const connection = await connect({ servers: url });
  const queue = jetstream(connection);
  const submit = async (job: JobSpec) => {
    if (path === 'kept')
      await connection.request(BARE.kept.request, toBytes({ protocol: 1, job }), { timeout: 5_000 });
    else await queue.publish(BARE.direct.queue, toBytes(job));
  };
  const event = path === 'kept' ? BARE.kept.event : BARE.direct.event;

  const runJob = async (pieces: number) => {
    const job = rawJob('a prompt of a few words', pieces);
    const ended = Promise.withResolvers<void>();
    let firstAt = 0;
    let tokens = 0;
    const subscription = connection.subscribe(event(job.id), {
      callback: (_, message) => {
        const event = fromBytes<BareEvent>(message.data);
        firstAt ||= performance.now();
        tokens += event.tokens.length;
        if (event.type === 'done') ended.resolve();
      },
    });
    await submit(job);
    await ended.promise;
    subscription.unsubscribe();
    if (tokens !== pieces) throw new Error(`${tokens} of ${pieces} tokens`);
    return { firstAt };
  };
  return {
    handle: (load: LoadRequest) => runLoad(load, () => runJob(load.pieces)),
    stop: () => connection.close(),
  };
});

import { argv } from 'node:process';
import { jetstream } from '@nats-io/jetstream';
import { connect, type Msg } from '@nats-io/transport-node';
import type { JobSpec } from '../../src/runtime/protocol/job.ts';
import { BARE, fromBytes, toBytes } from '../support/bare-bus.ts';
import { playRole } from '../support/role.ts';

const [, , url = ''] = argv;

/** Admits jobs with nothing but the client library: queue it, answer. */
await playRole(async () => {
  const connection = await connect({ servers: url });
  const queue = jetstream(connection);
  const admit = async (message: Msg) => {
    const { job } = fromBytes<{ job: JobSpec }>(message.data);
    const { seq } = await queue.publish(BARE.kept.queue, toBytes(job), { msgID: job.id });
    message.respond(toBytes({ job: job.id, queueSequence: seq }));
  };
  connection.subscribe(BARE.kept.request, {
    queue: 'directors',
    callback: (_, message) => void admit(message),
  });
  await connection.flush();
  return { stop: () => connection.close() };
});

import { argv } from 'node:process';
import { type JsMsg, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { JobSpec } from '../../src/runtime/protocol/job.ts';
import { BARE, type BareEvent, fromBytes, toBytes } from '../support/bare-bus.ts';
import { PIECE } from '../support/instant-model.ts';
import { playRole } from '../support/role.ts';

const [, , url = '', slots = '1'] = argv;

/** Runs jobs with nothing but the client library. */
await playRole(async () => {
  const connection = await connect({ servers: url });
  const results = jetstream(connection);
  const take = async (path: 'kept' | 'direct', run: (message: JsMsg) => void) => {
    const consumer = await results.consumers.get(BARE[path].jobs, BARE[path].consumer);
    await consumer.consume({ max_messages: Number(slots), callback: run });
  };
  const pieces = (count: number, tokenOffset: number): BareEvent => ({
    type: 'chunk',
    tokenOffset,
    text: PIECE.text.repeat(count),
    tokens: new Array<number>(count).fill(PIECE.token),
  });

  // As aipg does: the first piece at once, the rest joined, the result kept before the job is acknowledged.
  await take('kept', async (message) => {
    const job = fromBytes<JobSpec>(message.data);
    const subject = BARE.kept.event(job.id);
    const count = job.input.maxTokens;
    connection.publish(subject, toBytes(pieces(1, 0)));
    if (count > 1) connection.publish(subject, toBytes(pieces(count - 1, 1)));
    await results.publish(BARE.kept.result(job.id), toBytes(pieces(count, 0)), {
      expect: { lastSubjectSequence: 0 },
    });
    connection.publish(subject, toBytes({ ...pieces(0, count), type: 'done' }));
    message.ack();
  });
  // As in facts/nats.md: every piece a message, nothing kept.
  await take('direct', (message) => {
    const job = fromBytes<JobSpec>(message.data);
    const subject = BARE.direct.event(job.id);
    const count = job.input.maxTokens;
    for (let piece = 0; piece < count; piece++) connection.publish(subject, toBytes(pieces(1, piece)));
    connection.publish(subject, toBytes({ ...pieces(0, count), type: 'done' }));
    message.ack();
  });
  return { stop: () => connection.close() };
});

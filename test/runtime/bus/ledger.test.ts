import { type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectBus } from '../../../src/runtime/bus/connect.ts';
import { hasLedger, openLedger, provisionLedger } from '../../../src/runtime/bus/ledger.ts';
import { provision } from '../../../src/runtime/bus/provision.ts';
import type { Ledger } from '../../../src/runtime/ledger/ledger.ts';
import { newJobId } from '../../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { STREAMS, subjects } from '../../../src/runtime/protocol/subjects.ts';
import { startTestBus, type TestBus } from '../../support/bus-server.ts';
import { alice, bob, issue, reserve, sumOf, transfer } from '../ledger/support.ts';

let bus: TestBus;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  bus = await startTestBus();
  stack = new AsyncDisposableStack();
  stack.defer(() => bus.stop());
});

afterEach(() => stack.disposeAsync());

async function connect(): Promise<{ connection: NatsConnection; manager: JetStreamManager }> {
  const connection = await connectBus({ url: bus.url, name: 'test' });
  stack.defer(() => connection.close());
  return { connection, manager: await provision(connection) };
}

async function open(): Promise<Ledger> {
  const store = await connect();
  await provisionLedger(store.manager);
  const ledger = await openLedger(store, { log: silentLog });
  stack.defer(() => ledger[Symbol.asyncDispose]());
  return ledger;
}

describe('the ledger on the bus', () => {
  it('is made once by ten at once', async () => {
    const stores = await Promise.all(Array.from({ length: 10 }, connect));
    const [first] = stores;
    if (!first) throw new Error('No connection.');
    expect(await hasLedger(first)).toBe(false);
    await Promise.all(stores.map(({ manager }) => provisionLedger(manager)));
    expect(await hasLedger(first)).toBe(true);
  });

  it('is the same for all, however many append at once', async () => {
    const ledgers = await Promise.all(Array.from({ length: 5 }, open));
    await Promise.all(
      ledgers.flatMap((ledger) =>
        Array.from({ length: 40 }, () => ledger.append(() => [issue(alice, 10), transfer(alice, bob, 3)])),
      ),
    );
    await Promise.all(ledgers.map((ledger) => ledger.catchUp()));
    for (const { state } of ledgers) {
      expect(state.n).toBe(1 + 5 * 40 * 2);
      expect(state.hash).toBe(ledgers[0]?.state.hash);
      expect(state.balance(bob).available).toBe(600);
      expect(sumOf(state)).toBe(0);
    }
  });

  it('takes one of many that want the same', async () => {
    const ledgers = await Promise.all(Array.from({ length: 5 }, open));
    await ledgers[0]?.append(() => [issue(alice, 1_000)]);
    const job = newJobId();
    const added = await Promise.all(
      ledgers.map((ledger) =>
        ledger.append((state) => (state.isUsed(job) ? undefined : [reserve(alice, 1_000, job)])),
      ),
    );
    expect(added.filter((entries) => entries !== undefined)).toHaveLength(1);
    const refunds = await Promise.all(
      ledgers.map((ledger) =>
        ledger.append((state) => state.reservation(job) && [{ kind: 'refund', job, reason: 'failed' }]),
      ),
    );
    expect(refunds.filter((entries) => entries !== undefined)).toHaveLength(1);
  });

  it('refuses by the newest state what the state known here would allow', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    await one.append(() => [issue(alice, 10)]);
    const spent = await Promise.allSettled(
      [one, other].map((ledger) => ledger.append(() => [transfer(alice, bob, 10)])),
    );
    expect(spent.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('cannot be deleted from, purged or made to forget, not even by who may do everything', async () => {
    await open();
    const { manager } = await connect();
    await expect(manager.streams.purge(STREAMS.ledger)).rejects.toThrow('not permitted');
    await expect(manager.streams.deleteMessage(STREAMS.ledger, 1)).rejects.toThrow('not permitted');
    await expect(
      manager.streams.update(STREAMS.ledger, { deny_delete: false, deny_purge: false }),
    ).rejects.toThrow('can not cancel deny');
    const { state } = await manager.streams.info(STREAMS.ledger);
    expect(state.messages).toBe(1);
  });

  it('leaves out, for all alike, what was written into it by another way and breaks a rule', async () => {
    const ledger = await open();
    const { connection } = await connect();
    await jetstream(connection).publish(subjects.ledger, 'no entry\n');
    await ledger.append(() => [issue(alice, 10)]);
    const again = await open();
    expect(again.state.hash).toBe(ledger.state.hash);
    expect(again.state.n).toBe(2);
  });
});

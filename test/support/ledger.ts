import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openLedger } from '../../src/runtime/bus/ledger.ts';
import type { Entry } from '../../src/runtime/ledger/entry.ts';
import type { LedgerView } from '../../src/runtime/ledger/state.ts';
import type { JobId } from '../../src/runtime/protocol/ids.ts';
import { silentLog } from '../../src/runtime/protocol/log.ts';

/** A ledger as it stands, folded from its first entry on: what breaks a rule or the chain is an error. */
export interface LedgerCopy {
  readonly entries: readonly Entry[];
  readonly state: LedgerView;
}

export async function readLedger(connection: NatsConnection): Promise<LedgerCopy> {
  const entries: Entry[] = [];
  const manager = await jetstreamManager(connection);
  await using ledger = await openLedger(
    { connection, manager },
    { log: silentLog, listeners: [(added) => entries.push(...added)] },
  );
  return { entries, state: ledger.state };
}

/** All credits that there are, issued ones counted negative: 0, or some were lost or made. */
export function sumOf({ state }: LedgerCopy): number {
  return [...state.balances()].reduce((sum, [, { available, reserved }]) => sum + available + reserved, 0);
}

/** The kinds of a job's entries, in their order. */
export function entriesOf({ entries }: LedgerCopy, job: JobId): string[] {
  return entries.flatMap((entry) => ('job' in entry && entry.job === job ? [entry.kind] : []));
}

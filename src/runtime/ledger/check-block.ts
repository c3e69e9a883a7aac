import { toAipgError } from '../protocol/errors.ts';
import { isWorkerOf } from '../protocol/ids.ts';
import type { Receipt } from '../protocol/receipt.ts';
import { isSigned } from '../protocol/receipt-signature.ts';
import type { Entry, StateEntry } from './entry.ts';
import { linesOf, MAX_LINE_BYTES } from './line-blocks.ts';
import { readEntry } from './seal.ts';

/** What can be said of a block of an export without what comes before it: it is plain data, to go between threads. */
export interface CheckedBlock {
  /** What the rules need of its entries, as a JSON array, up to the one that is wrong. */
  readonly entries: string;
  /** Signatures that are right. */
  readonly receipts: number;
  readonly wrong?: WrongEntry;
}

/** Of an entry that is `unreadable` nothing is known; one that is `forged` may break a rule besides, which counts first. */
export type WrongEntry =
  | { readonly type: 'unreadable'; readonly what: string }
  | { readonly type: 'forged'; readonly what: string }
  | { readonly type: 'cut-off' };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Checks the form, hash and signature of each entry, up to the first that is wrong. */
export function checkBlock(block: Uint8Array): CheckedBlock {
  const entries: StateEntry[] = [];
  let receipts = 0;
  const checked = (wrong?: WrongEntry): CheckedBlock => ({
    entries: JSON.stringify(entries),
    receipts,
    ...(wrong && { wrong }),
  });
  const lines = linesOf(block);
  let line = lines.next();
  for (; !line.done; line = lines.next()) {
    let entry: Entry;
    try {
      entry = readLine(line.value);
    } catch (error) {
      return checked({ type: 'unreadable', what: toAipgError(error).message });
    }
    if (entry.kind !== 'settle') {
      entries.push(entry);
      continue;
    }
    const { job, worker, payTo, modelSha256 } = entry.receipt;
    entries.push({ ...entry, receipt: { job, worker, payTo, modelSha256 } });
    if (!isByItsWorker(entry.receipt)) {
      return checked({ type: 'forged', what: `Its receipt was not signed by ${worker}.` });
    }
    receipts += 1;
  }
  const { value: rest } = line;
  if (rest.length > MAX_LINE_BYTES) return checked({ type: 'unreadable', what: TOO_LONG });
  return checked(rest.length > 0 ? { type: 'cut-off' } : undefined);
}

/** Whether the worker that a receipt names has signed it. */
export function isByItsWorker(receipt: Receipt): boolean {
  return isWorkerOf(receipt.worker, receipt.key) && isSigned(receipt);
}

const TOO_LONG = 'The entry is longer than any can be.';

function readLine(line: Uint8Array): Entry {
  if (line.length > MAX_LINE_BYTES) throw new Error(TOO_LONG);
  return readEntry(decode(line));
}

function decode(line: Uint8Array): string {
  try {
    return decoder.decode(line);
  } catch {
    throw new Error('The entry is not UTF-8 text.');
  }
}

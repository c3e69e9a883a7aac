import { formatCredits, type MicroCredits } from '../protocol/credits.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import { isWorkerOf } from '../protocol/ids.ts';
import type { Receipt } from '../protocol/receipt.ts';
import { verifyReceipt } from '../protocol/receipt-signature.ts';
import { type Entry, ISSUED } from './entry.ts';
import { readEntry } from './seal.ts';
import { LedgerState } from './state.ts';

/** What a ledger was found to be when all of it was found right. */
export interface Verification {
  readonly entries: number;
  /** Of the last entry: who knows it knows all before it. */
  readonly hash: string;
  /** When the last entry was made, in milliseconds since 1970. */
  readonly at: number;
  /** Signatures of workers that were checked. */
  readonly receipts: number;
  /** In micro-credits: all that was ever issued, and all that accounts and reservations hold, the same. */
  readonly issued: MicroCredits;
  readonly openReservations: number;
  /** The daily roots, in their order. */
  readonly roots: readonly { readonly day: string; readonly count: number; readonly root: string }[];
}

export interface VerifyOptions {
  /** Whether a worker has signed a receipt. Default: its key is its worker's, and has. */
  readonly isGenuine?: (receipt: Receipt) => boolean | Promise<boolean>;
  readonly onEntry?: (entry: Entry) => void;
}

/** Verifies a ledger entry by entry, from its export alone: form, chain, rules, sums, roots and signatures. */
export class Verifier {
  readonly state = LedgerState.empty();
  readonly #options: VerifyOptions;
  readonly #roots: { day: string; count: number; root: string }[] = [];
  /** Signatures that are being checked, beside this thread. */
  #unchecked: { readonly n: number; readonly receipt: Receipt; readonly genuine: Promise<boolean> }[] = [];
  #receipts = 0;

  constructor(options: VerifyOptions = {}) {
    this.#options = options;
  }

  /** @param line without its end. @throws AipgError `ledger-invalid`, naming the entry */
  take(line: string): void {
    const n = this.state.n + 1;
    try {
      const entry = readEntry(line);
      this.state.apply(entry);
      if (entry.kind === 'root') this.#roots.push({ day: entry.day, count: entry.count, root: entry.root });
      if (entry.kind === 'settle') this.#checkReceipt(n, entry.receipt);
      this.#options.onEntry?.(entry);
    } catch (error) {
      throw wrongAt(n, toAipgError(error).message, error);
    }
  }

  /** Resolves when the signatures of all that was taken have been checked. @throws AipgError `ledger-invalid` */
  async checked(): Promise<void> {
    for (const { n, receipt, genuine } of this.#unchecked.splice(0)) {
      if (!(await genuine)) throw wrongAt(n, `Its receipt was not signed by ${receipt.worker}.`);
      this.#receipts += 1;
    }
  }

  /** @throws AipgError `ledger-invalid` for a signature, or a sum that is not 0 */
  async finish(): Promise<Verification> {
    await this.checked();
    const { state } = this;
    let sum = 0n;
    for (const [, { available, reserved }] of state.balances()) sum += BigInt(available) + BigInt(reserved);
    if (sum !== 0n) throw new AipgError('ledger-invalid', `The balances sum to ${sum}, not to 0.`);
    return {
      entries: state.n,
      hash: state.hash,
      at: state.at,
      receipts: this.#receipts,
      issued: -state.balance(ISSUED).available as MicroCredits,
      openReservations: [...state.reservations()].length,
      roots: this.#roots,
    };
  }

  #checkReceipt(n: number, receipt: Receipt): void {
    const { isGenuine = isByItsWorker } = this.#options;
    this.#unchecked.push({ n, receipt, genuine: Promise.resolve(isGenuine(receipt)) });
  }
}

/** Verifies a whole export. @throws AipgError `ledger-invalid` */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options?: VerifyOptions,
): Promise<Verification> {
  const verifier = new Verifier(options);
  let before = Promise.resolve();
  try {
    for await (const lines of linesOf(chunks)) {
      // Signatures of the lines before are checked while these are read.
      before = verifier.checked();
      for (const line of lines) verifier.take(line);
      await before;
    }
  } catch (error) {
    // What is wrong with an entry before comes first.
    await before;
    await verifier.checked();
    throw error;
  }
  return verifier.finish();
}

/** Whether the worker that a receipt names has signed it. */
export async function isByItsWorker(receipt: Receipt): Promise<boolean> {
  return isWorkerOf(receipt.worker, receipt.key) && (await verifyReceipt(receipt));
}

function wrongAt(n: number, what: string, cause?: unknown): AipgError {
  return new AipgError('ledger-invalid', `The ledger is not right at entry ${n}. ${what}`, {
    hint: 'All before it is right. Compare with another export: the hash of the last entry tells them apart.',
    cause,
  });
}

/** The lines of a text in pieces, several at a time. @throws AipgError `ledger-invalid` for what does not end with one */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decodeChunk(decoder, chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
  if (rest + decodeChunk(decoder) === '') return;
  throw new AipgError('ledger-invalid', 'The export is cut off: its last line does not end.', {
    hint: 'Export it again.',
  });
}

function decodeChunk(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (cause) {
    throw new AipgError('ledger-invalid', 'The export is not UTF-8 text.', { cause });
  }
}

/** What was found, in a sentence. */
export function describeVerification({ entries, receipts, issued, roots }: Verification): string {
  return (
    `${entries} entries are right: the chain, every rule, ${receipts} signed receipts, ${roots.length} daily roots, ` +
    `and the sums: ${formatCredits(issued)} credits issued, as many held.`
  );
}

import { availableParallelism } from 'node:os';
import { formatCredits, type MicroCredits } from '../protocol/credits.ts';
import { AipgError, toAipgError } from '../protocol/errors.ts';
import { type CheckedBlock, checkBlock } from './check-block.ts';
import { CheckThreads } from './check-threads.ts';
import { ISSUED, type StateEntry } from './entry.ts';
import { lineBlocks } from './line-blocks.ts';
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

/** How far a verification is: all so far is right. */
export interface VerifyProgress {
  readonly entries: number;
  readonly bytes: number;
}

export interface VerifyOptions {
  /** Threads beside this one; 0: all is done in this one. What is found is the same. Default: one for each processor. */
  readonly threads?: number;
  /** Default: `BLOCK_BYTES`. */
  readonly blockBytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

/** Blocks for each thread that are read before the oldest is taken: one at hand, one to go on with. */
const BLOCKS_AHEAD = 2;

/**
 * Verifies a whole export from its text alone: form, chain, rules, sums, roots and signatures. Entries are checked by
 * themselves in threads, and against what comes before them here, in their order; memory does not grow with the export,
 * but for what its state is.
 * @throws AipgError `ledger-invalid`, naming the first entry that is wrong; the signal's reason
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { threads = availableParallelism(), blockBytes, signal, onProgress }: VerifyOptions = {},
): Promise<Verification> {
  await using stack = new AsyncDisposableStack();
  let beside: CheckThreads | undefined;
  const verifier = new Verifier();
  const ahead: { readonly bytes: number; readonly checked: CheckedBlock | Promise<CheckedBlock> }[] = [];
  let bytes = 0;
  const takeOldest = async () => {
    const oldest = ahead.shift();
    if (!oldest) return;
    verifier.take(await oldest.checked);
    signal?.throwIfAborted();
    bytes += oldest.bytes;
    onProgress?.({ entries: verifier.entries, bytes });
  };
  for await (const block of lineBlocks(chunks, blockBytes)) {
    // Most exports have one block, which is checked before a thread would have started.
    const isFirst = bytes === 0 && ahead.length === 0;
    if (threads > 0 && !isFirst) beside ??= stack.use(new CheckThreads(threads));
    ahead.push({ bytes: block.length, checked: beside ? beside.check(block) : checkBlock(block) });
    if (ahead.length > (beside ? BLOCKS_AHEAD * threads : 0)) await takeOldest();
  }
  while (ahead.length > 0) await takeOldest();
  return verifier.finish();
}

/** Takes what was found of each block, in their order, and checks what hangs on what comes before. */
class Verifier {
  readonly #state = LedgerState.empty();
  readonly #roots: { day: string; count: number; root: string }[] = [];
  #receipts = 0;

  get entries(): number {
    return this.#state.n;
  }

  /** @throws AipgError `ledger-invalid`, naming the entry */
  take({ entries, receipts, wrong }: CheckedBlock): void {
    for (const entry of JSON.parse(entries) as StateEntry[]) {
      try {
        this.#state.apply(entry);
      } catch (error) {
        throw wrongAt(this.#state.n + 1, toAipgError(error).message, error);
      }
      if (entry.kind === 'root') this.#roots.push({ day: entry.day, count: entry.count, root: entry.root });
    }
    this.#receipts += receipts;
    if (wrong?.type === 'unreadable') throw wrongAt(this.#state.n + 1, wrong.what);
    if (wrong?.type === 'forged') throw wrongAt(this.#state.n, wrong.what);
    if (wrong?.type === 'cut-off') {
      throw new AipgError('ledger-invalid', 'The export is cut off: its last line does not end.', {
        hint: 'Export it again.',
      });
    }
  }

  /** @throws AipgError `ledger-invalid` for a sum that is not 0 */
  finish(): Verification {
    const state = this.#state;
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
}

function wrongAt(n: number, what: string, cause?: unknown): AipgError {
  return new AipgError('ledger-invalid', `The ledger is not right at entry ${n}. ${what}`, {
    hint: 'All before it is right. Compare with another export: the hash of the last entry tells them apart.',
    cause,
  });
}

/** What was found, in a sentence. */
export function describeVerification({ entries, receipts, issued, roots }: Verification): string {
  return (
    `${entries} entries are right: the chain, every rule, ${receipts} signed receipts, ${roots.length} daily roots, ` +
    `and the sums: ${formatCredits(issued)} credits issued, as many held.`
  );
}

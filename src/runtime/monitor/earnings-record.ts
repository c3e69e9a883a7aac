import type { EarningsView, ReceiptRow } from './grid-snapshot.ts';

/** Receipts that are kept, the newest: more than any terminal has lines. */
const MAX_RECEIPTS = 200;

/** The earnings of the account that watches: what a director told last, and the receipts that have come since. */
export class EarningsRecord {
  #view: EarningsView = { state: 'unknown' };
  /** The newest first, also while nobody has asked for the rest. */
  #receipts: readonly ReceiptRow[] = [];

  get view(): EarningsView {
    return this.#view;
  }

  /** @returns whether it is another than before */
  set(view: EarningsView): boolean {
    if (view.state === 'known') {
      this.#receipts = merge(this.#receipts, view.receipts);
      this.#view = { ...view, receipts: this.#receipts };
      return true;
    }
    const isSame = view.state === this.#view.state;
    this.#view = view;
    return !isSame;
  }

  /** @returns whether any was not known */
  add(receipts: readonly ReceiptRow[]): boolean {
    const merged = merge(this.#receipts, receipts);
    if (merged === this.#receipts) return false;
    this.#receipts = merged;
    if (this.#view.state !== 'known') return false;
    this.#view = { ...this.#view, receipts: merged };
    return true;
  }
}

/** Each entry of the ledger once, by its number. */
function merge(known: readonly ReceiptRow[], more: readonly ReceiptRow[]): readonly ReceiptRow[] {
  const byNumber = new Map(known.map((row) => [row.n, row]));
  for (const row of more) if (!byNumber.has(row.n)) byNumber.set(row.n, row);
  if (byNumber.size === known.length) return known;
  return [...byNumber.values()].sort((a, b) => b.n - a.n).slice(0, MAX_RECEIPTS);
}

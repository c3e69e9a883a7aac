import type { ModelName } from '../protocol/model.ts';
import type { PricesReply } from '../protocol/prices.ts';
import type { ModelPrice, ModelRow } from './grid-snapshot.ts';
import { Meter } from './meter.ts';
import { servedBy, shareOf, type WorkerChange } from './worker-table.ts';

interface Measured {
  row: ModelRow;
  readonly tokens: Meter;
  readonly jobs: Meter;
}

/** The models that are served or waited for, by name. */
export class ModelTable {
  readonly rows = new Map<ModelName, ModelRow>();
  readonly #measured = new Map<ModelName, Measured>();
  readonly #since: number;
  /** The newest of each name, and that of all others; absent where nothing is paid. */
  #prices: { readonly of: ReadonlyMap<string, ModelPrice>; readonly otherwise: ModelPrice } | undefined;

  /** @param since the start of the watch, in milliseconds */
  constructor(since: number) {
    this.#since = since;
  }

  /** Takes the share of a worker as it was out of the sums, and puts in what it is. */
  follow({ before, after }: WorkerChange): void {
    for (const name of servedBy(before)) this.#add(name, shareOf(before), -1);
    for (const name of servedBy(after)) this.#add(name, shareOf(after), 1);
  }

  /** @param waiting Jobs in the queues of each model; those that are not named have none. */
  setWaiting(waiting: ReadonlyMap<ModelName, number>): void {
    for (const name of [...this.rows.keys(), ...waiting.keys()]) {
      const measured = this.#of(name);
      const count = waiting.get(name) ?? 0;
      if (measured.row.waiting !== count) this.#set(measured, { ...measured.row, waiting: count });
      else this.#drop(measured);
    }
  }

  /** As directors charge: by the newest price that the ledger has for the name, else by the policy's rates. */
  setPrices({ prices, otherwise }: PricesReply): void {
    const of = [...prices]
      .sort((a, b) => a.price - b.price)
      .map(({ name, rates, basis }) => [name, { ...rates, basis }] as const);
    this.#prices = otherwise ? { of: new Map(of), otherwise: { ...otherwise, basis: 'policy' } } : undefined;
    for (const measured of this.#measured.values()) {
      const { price: _, ...row } = measured.row;
      this.#set(measured, { ...row, ...this.#priceOf(row.name) });
    }
  }

  #priceOf(name: ModelName): { readonly price?: ModelPrice } {
    return this.#prices ? { price: this.#prices.of.get(name) ?? this.#prices.otherwise } : {};
  }

  count(name: ModelName, what: 'tokens' | 'jobs', count: number, at: number): void {
    this.#measured.get(name)?.[what].add(count, at);
  }

  /** @returns whether a rate has changed */
  tick(at: number): boolean {
    let changed = false;
    for (const measured of this.#measured.values()) {
      const { row, tokens, jobs } = measured;
      const [tokensPerSecond, jobsPerSecond] = [tokens.rate(at), jobs.rate(at)];
      if (row.tokensPerSecond === tokensPerSecond && row.jobsPerSecond === jobsPerSecond) continue;
      this.#set(measured, { ...row, tokensPerSecond, jobsPerSecond });
      changed = true;
    }
    return changed;
  }

  #add(name: ModelName, { workers, slots, busy }: ReturnType<typeof shareOf>, sign: 1 | -1): void {
    const measured = this.#of(name);
    const { row } = measured;
    this.#set(measured, {
      ...row,
      workers: row.workers + sign * workers,
      slots: row.slots + sign * slots,
      busy: row.busy + sign * busy,
    });
  }

  #of(name: ModelName): Measured {
    const known = this.#measured.get(name);
    if (known) return known;
    const row: ModelRow = {
      name,
      workers: 0,
      slots: 0,
      busy: 0,
      waiting: 0,
      tokensPerSecond: 0,
      jobsPerSecond: 0,
      ...this.#priceOf(name),
    };
    const measured = { row, tokens: new Meter(this.#since), jobs: new Meter(this.#since) };
    this.#measured.set(name, measured);
    return measured;
  }

  #set(measured: Measured, { waitMs: _, ...row }: ModelRow): void {
    const { waiting, jobsPerSecond } = row;
    measured.row =
      jobsPerSecond > 0 ? { ...row, waitMs: Math.round((1_000 * waiting) / jobsPerSecond) } : row;
    this.rows.set(row.name, measured.row);
  }

  /** Nobody serves it and nobody waits for it. */
  #drop({ row: { name, workers, waiting }, tokens, jobs }: Measured): void {
    if (workers > 0 || waiting > 0 || !tokens.isIdle || !jobs.isIdle) return;
    this.#measured.delete(name);
    this.rows.delete(name);
  }
}

/** How far back latencies count, in milliseconds, and the most of them. */
const WINDOW_MS = 60_000;
const MAX_SAMPLES = 1_000;

/** The newest latencies, for their quantiles. */
export class Latencies {
  #samples: { readonly at: number; readonly ms: number }[] = [];

  add(ms: number, at: number): void {
    this.#samples.push({ at, ms });
    if (this.#samples.length >= 2 * MAX_SAMPLES) this.#samples = this.#samples.slice(-MAX_SAMPLES);
  }

  /** By nearest rank. @param shares 0.5 is the median @returns `undefined` where there is none */
  quantiles(shares: readonly number[], at: number): (number | undefined)[] {
    const oldest = at - WINDOW_MS;
    this.#samples = this.#samples.slice(-MAX_SAMPLES).filter((sample) => sample.at > oldest);
    const sorted = Float64Array.from(this.#samples, ({ ms }) => ms).sort();
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]);
  }
}

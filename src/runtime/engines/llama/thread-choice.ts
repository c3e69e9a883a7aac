/** A measured rate of decoding, in tokens per second. */
export type MeasureRate = (threads: number) => Promise<number>;

export interface ThreadTrial {
  /** Cores that this process may use. */
  readonly cores: number;
  readonly measure: MeasureRate;
  /** Milliseconds after which nothing more is measured. */
  readonly budgetMs: number;
  readonly now?: () => number;
}

/**
 * How much faster a larger count must be. llama.cpp's threads spin while they wait for each other, so a count that
 * is only just better on an idle machine is many times worse once something else wants a core.
 */
const WORTHWHILE = 1.15;
/** Below this share of the best rate, larger counts are not tried: they only get worse. */
const HOPELESS = 0.9;

/** Tries 1, 2, 4 … cores and returns the count that decodes fastest. */
export async function chooseThreads({
  cores,
  measure,
  budgetMs,
  now = Date.now,
}: ThreadTrial): Promise<number> {
  const deadline = now() + budgetMs;
  let best = { threads: 1, rate: 0 };
  for (const threads of threadCounts(cores)) {
    // A model so large that one thread used up the budget is bound by arithmetic: there, cores do help.
    if (threads > 1 && now() >= deadline) return best.threads === 1 ? cores : best.threads;
    const rate = await measure(threads);
    if (rate < best.rate * HOPELESS) break;
    if (best.rate > 0 && rate > best.rate * WORTHWHILE && now() < deadline) {
      // Something else may have held up the first measurement; what it costs to ask again is spent once.
      best = { threads: best.threads, rate: Math.max(best.rate, await measure(best.threads)) };
    }
    if (best.rate === 0 || rate > best.rate * WORTHWHILE) best = { threads, rate };
  }
  return best.threads;
}

/** 1, 2, 4 … and the number of cores itself. */
export function threadCounts(cores: number): number[] {
  const counts = [];
  for (let threads = 1; threads < cores; threads *= 2) counts.push(threads);
  return [...counts, Math.max(1, cores)];
}

/** The value at a share of the sorted values, 0.5 the median. @param values 1 or more. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The median of what each round gave, so that noise which lasts for a round weighs on both sides of its pair. */
export function medianOfPairs(
  ours: readonly number[],
  baseline: readonly number[],
  combine: (ours: number, baseline: number) => number,
): number {
  return median(ours.map((value, round) => combine(value, baseline[round] ?? Number.NaN)));
}

export function ratio(ours: number, baseline: number): number {
  return ours / baseline;
}

export function difference(ours: number, baseline: number): number {
  return ours - baseline;
}

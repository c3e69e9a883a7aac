/**
 * The truncation rules. Each takes logits divided by the temperature, relative to the highest and in falling order
 * (so the first is 0), with the number of candidates left, and returns how many of those stay: 1 or more.
 */

/** @param k 0 keeps all. */
export function topK(count: number, k: number): number {
  return k === 0 ? count : Math.min(count, k);
}

/** The fewest whose probabilities, among those left, add up to `p` or more. @param p Above 0; 1 keeps all. */
export function topP(relative: readonly number[], count: number, p: number): number {
  if (p >= 1) return count;
  let total = 0;
  for (let index = 0; index < count; index++) total += weight(relative, index);
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += weight(relative, index);
    if (sum >= p * total) return index + 1;
  }
  return count;
}

/** Those at least `p` times as likely as the likeliest. @param p 0 to 1; 0 keeps all. */
export function minP(relative: readonly number[], count: number, p: number): number {
  if (p === 0) return count;
  let kept = 1;
  while (kept < count && weight(relative, kept) >= p) kept++;
  return kept;
}

function weight(relative: readonly number[], index: number): number {
  return Math.exp(relative[index] as number);
}

import { byLogit, type Candidate } from './candidates.ts';

/** How many of the last tokens, the prompt's included, the repeat penalty weighs on. */
export const PENALTY_WINDOW = 64;

/**
 * llama.cpp's rule: a repeated token's logit is divided by the penalty where positive and multiplied where negative,
 * once however often it repeats.
 * @param penalty 1 or more; 1 changes nothing.
 * @param history All tokens so far, the prompt's first.
 * @returns candidates in the sampler's order.
 */
export function penalizeRepeats(
  candidates: readonly Candidate[],
  penalty: number,
  history: readonly number[],
): readonly Candidate[] {
  if (penalty === 1) return candidates;
  const recent = new Set(history.slice(-PENALTY_WINDOW));
  return candidates
    .map(({ token, logit }) => ({ token, logit: recent.has(token) ? penalize(logit, penalty) : logit }))
    .sort(byLogit);
}

function penalize(logit: number, penalty: number): number {
  return logit > 0 ? logit / penalty : logit * penalty;
}

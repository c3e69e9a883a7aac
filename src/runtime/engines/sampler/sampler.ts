import { AipgError } from '../../protocol/errors.ts';
import type { Sampling, Seed } from '../../protocol/text.ts';
import { type Candidate, topCandidates } from './candidates.ts';
import { type GumbelNoise, gumbelNoise } from './gumbel.ts';
import { penalizeRepeats } from './repeat-penalty.ts';
import { minP, topK, topP } from './truncation.ts';

export interface Sampler {
  /**
   * The token at an output position. Depends on its arguments alone, not on earlier calls nor on the logits' order.
   * @param logits Of (at least) the 64 likeliest tokens: raw, or without a repeat penalty less what is the same for all.
   * @param position Tokens of output before this one, 0 or more.
   * @param history All tokens so far, the prompt's first: what the repeat penalty looks back on.
   * @throws AipgError `internal` when no logit is finite.
   */
  pick(
    logits: Iterable<readonly [token: number, logit: number]>,
    position: number,
    history: readonly number[],
  ): number;
}

/** The sampler that `SAMPLER_VERSION` names: Gumbel-max over the truncated candidates; greedy at temperature 0. */
export function createSampler(sampling: Sampling, seed: Seed): Sampler {
  const noise = gumbelNoise(seed);
  return {
    pick(logits, position, history) {
      const candidates = penalizeRepeats(topCandidates(logits), sampling.repeatPenalty, history);
      const best = candidates[0];
      if (best === undefined) throw new AipgError('internal', 'the model gave no finite logit');
      if (sampling.temperature === 0) return best.token;
      return gumbelArgmax(candidates, best, sampling, (token) => noise(position, token));
    },
  };
}

function gumbelArgmax(
  candidates: readonly Candidate[],
  best: Candidate,
  sampling: Sampling,
  noise: (token: number) => ReturnType<GumbelNoise>,
): number {
  // Relative to the best, so that the smallest temperature makes −∞ of the others and never ∞ − ∞.
  const relative = candidates.map(({ logit }) => (logit - best.logit) / sampling.temperature);
  let count = topK(candidates.length, sampling.topK);
  count = topP(relative, count, sampling.topP);
  count = minP(relative, count, sampling.minP);
  if (count === 1) return best.token;
  let winner = best.token;
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const { token } = candidates[index] as Candidate;
    const score = (relative[index] as number) + noise(token);
    if (score > highest || (score === highest && token < winner)) {
      winner = token;
      highest = score;
    }
  }
  return winner;
}

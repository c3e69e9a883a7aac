/** How many of the likeliest tokens the sampler sees: part of the sampler's version. */
export const SAMPLER_CANDIDATES = 64;

export interface Candidate {
  readonly token: number;
  readonly logit: number;
}

/**
 * The likeliest candidates in the sampler's order, whatever the order they come in. Candidates without a finite
 * logit are left out: no arithmetic can rank them.
 */
export function topCandidates(logits: Iterable<readonly [token: number, logit: number]>): Candidate[] {
  const candidates: Candidate[] = [];
  for (const [token, logit] of logits) if (Number.isFinite(logit)) candidates.push({ token, logit });
  candidates.sort(byLogit);
  if (candidates.length > SAMPLER_CANDIDATES) candidates.length = SAMPLER_CANDIDATES;
  return candidates;
}

/** Higher logit first; of equal ones, the lower token id. */
export function byLogit(a: Candidate, b: Candidate): number {
  return b.logit - a.logit || a.token - b.token;
}

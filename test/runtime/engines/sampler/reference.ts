import { createCipheriv } from 'node:crypto';
import type { Sampling, Seed } from '../../../../src/runtime/protocol/text.ts';

/**
 * The sampler again, straight from its definition and sharing no code with it: OpenSSL's ChaCha20, probabilities
 * instead of logits, sets instead of counts.
 */
export function referencePick(
  logits: readonly (readonly [token: number, logit: number])[],
  sampling: Sampling,
  seed: Seed,
  position: number,
  history: readonly number[],
): number {
  const repeated = history.slice(Math.max(0, history.length - 64));
  let left = ranked(logits)
    .slice(0, 64)
    .map(([token, logit]): [number, number] => {
      if (!repeated.includes(token)) return [token, logit];
      return [token, logit > 0 ? logit / sampling.repeatPenalty : logit * sampling.repeatPenalty];
    });
  left = ranked(left);
  const [best, highest] = left[0] as [number, number];
  if (sampling.temperature === 0) return best;
  left = left.map(([token, logit]) => [token, (logit - highest) / sampling.temperature]);
  if (sampling.topK > 0) left = left.slice(0, sampling.topK);
  if (sampling.topP < 1) {
    const total = left.reduce((sum, [, logit]) => sum + Math.exp(logit), 0);
    left = left.filter((_, index) => {
      const before = left.slice(0, index).reduce((sum, [, logit]) => sum + Math.exp(logit), 0);
      return index === 0 || before < sampling.topP * total;
    });
  }
  left = left.filter(([, logit], index) => index === 0 || Math.exp(logit) >= sampling.minP);
  const scored = left.map(([token, logit]): [number, number] => [
    token,
    logit + gumbel(seed, position, token),
  ]);
  return (ranked(scored)[0] as [number, number])[0];
}

function ranked(pairs: readonly (readonly [number, number])[]): [number, number][] {
  return [...pairs].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([token, value]) => [token, value]);
}

function gumbel(seed: Seed, position: number, token: number): number {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(token, 0);
  iv.writeBigUInt64LE(BigInt(position), 4);
  const block = createCipheriv('chacha20', Buffer.from(seed, 'hex'), iv).update(Buffer.alloc(8));
  const bits = (BigInt(block.readUInt32LE(0)) << 20n) | (BigInt(block.readUInt32LE(4)) >> 12n);
  return -Math.log(-Math.log(Number(2n * bits + 1n) / 2 ** 53));
}

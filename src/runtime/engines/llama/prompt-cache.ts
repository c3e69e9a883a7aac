import type { LlamaContextSequence, Token } from 'node-llama-cpp';

type Held = Pick<LlamaContextSequence, 'nextTokenIndex' | 'compareContextTokens'>;

interface Holder {
  readonly sequence: Held;
}

/**
 * Of some sequences, the one that begins most like the tokens. One that would lose more than half of what it holds, for
 * less than half of the tokens, is left to the conversation that it may yet be asked to go on with.
 */
export function mostSimilar<T extends Holder>(
  holders: readonly T[],
  tokens: readonly Token[],
): T | undefined {
  const compared = [...tokens];
  let best: { readonly holder: T; readonly shared: number } | undefined;
  for (const holder of holders) {
    const held = holder.sequence.nextTokenIndex;
    const shared = holder.sequence.compareContextTokens(compared).firstDifferentIndex;
    const isSimilar = 2 * shared >= Math.min(held, tokens.length);
    if (isSimilar && shared > (best?.shared ?? 0)) best = { holder, shared };
  }
  return best?.holder;
}

/**
 * Whether what a sequence holds can be cut back to what it shares with the tokens. With a sliding window or a recurrent
 * state it can only go on where it stopped: what an earlier token has looked at is gone, which llama.cpp does not tell.
 */
export function canGoBack(
  sequence: Held & Pick<LlamaContextSequence, 'needsCheckpoints'>,
  tokens: readonly Token[],
): boolean {
  if (!sequence.needsCheckpoints) return true;
  return sequence.compareContextTokens([...tokens]).firstDifferentIndex === sequence.nextTokenIndex;
}

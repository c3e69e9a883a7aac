import { newJobId } from '../../src/runtime/protocol/ids.ts';
import type { JobSpec } from '../../src/runtime/protocol/job.ts';
import { deriveSeed, randomSeed, type Sampling } from '../../src/runtime/protocol/text.ts';

/** A raw prompt with the default sampling. @param seed Default: a random one. */
export function rawJob(text: string, maxTokens: number, seed?: string): JobSpec {
  return {
    id: newJobId(),
    kind: 'text',
    tier: 'standard',
    input: {
      prompt: { form: 'raw', text },
      maxTokens,
      stop: [],
      sampling: DEFAULT_SAMPLING,
      seed: seed === undefined ? randomSeed() : deriveSeed(seed),
    },
    limits: {},
  };
}

export const DEFAULT_SAMPLING: Sampling = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  repeatPenalty: 1,
};

import type { ModelFacts } from '../../src/runtime/protocol/model.ts';

/** Of models that answer at once, without weights, for tests and benchmarks. */
export const INSTANT_FACTS = {
  name: 'instant',
  sha256: '0'.repeat(64),
  architecture: 'none',
  parameters: 0,
  trainContextSize: 131_072,
  contextSize: 131_072,
  fileBytes: 0,
} as ModelFacts;

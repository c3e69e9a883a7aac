import type { Token } from 'node-llama-cpp';
import { afterAll, expect, test } from 'vitest';
import { loadBackend } from '../../../../src/runtime/engines/llama/backend.ts';
import { decode } from '../../../../src/runtime/engines/llama/decode.ts';
import { LogProbs } from '../../../../src/runtime/engines/llama/log-probs.ts';
import { createSampler } from '../../../../src/runtime/engines/sampler/sampler.ts';
import { deriveSeed, samplingSchema } from '../../../../src/runtime/protocol/text.ts';
import { TINY_F16, temporaryDirectory } from './support.ts';

const { llama } = await loadBackend(temporaryDirectory());
const model = await llama.loadModel({ modelPath: TINY_F16 });
afterAll(() => model.dispose());

test('they are the logits less what is the same for all, and the sampler picks the same by both', async () => {
  await using context = await model.createContext({ sequences: 2, threads: 1, contextSize: 512 });
  const [bySteps, byLogits] = [context.getSequence(), context.getSequence()];
  await using logProbs = new LogProbs();
  const sampler = createSampler(samplingSchema.parse({}), deriveSeed('same'));
  let next: readonly Token[] = model.tokenize('<|user|>Tell me a story.<|end|><|assistant|>', true);
  for (let position = 0; position < 100; position++) {
    const among = new Map(await logProbs.next(bySteps, next));
    const logits = await decode(byLogits, next);
    expect([...among.keys()].sort()).toEqual([...logits.keys()].sort());
    const differences = [...logits].map(([token, logit]) => logit - (among.get(token) as number));
    expect(Math.max(...differences) - Math.min(...differences)).toBeLessThan(1e-4);
    const token = sampler.pick(among, position, []) as Token;
    expect(token).toBe(sampler.pick(logits, position, []));
    next = [token];
  }
});

test('an output that has not begun leaves nothing to dispose of', async () => {
  await new LogProbs()[Symbol.asyncDispose]();
});

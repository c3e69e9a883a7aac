import { argv } from 'node:process';
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { loadBackend } from '../../src/runtime/engines/llama/backend.ts';
import type { ModelFile } from '../../src/runtime/protocol/model.ts';
import { DEFAULT_SAMPLING } from '../support/job.ts';
import { playRole } from '../support/role.ts';

const [, , file = '', cacheDir = '', sequences = '1', contextSize = '1024'] = argv;

interface Request {
  readonly prompts: readonly string[];
  readonly maxTokens: number;
}

/** The engine's library alone: as many sequences as asked for, each taking the next prompt when it is done. */
await playRole(async () => {
  const { llama } = await loadBackend(cacheDir);
  const model = await llama.loadModel({ modelPath: (JSON.parse(file) as ModelFile).path });
  const context = await model.createContext({
    sequences: Number(sequences),
    threads: 1,
    contextSize: Number(contextSize),
  });
  const all = Array.from({ length: Number(sequences) }, () => context.getSequence());
  const { temperature, topK, topP, minP } = DEFAULT_SAMPLING;

  const answer = async (sequence: LlamaContextSequence, prompt: string, maxTokens: number, seed: number) => {
    const tokens: Token[] = [];
    const options = { temperature, topK, topP, minP, seed };
    for await (const token of sequence.evaluate(tokenize(model, prompt), options)) {
      tokens.push(token);
      if (tokens.length === maxTokens) break;
    }
    await sequence.clearHistory();
    return { text: model.detokenize(tokens), tokens: tokens.length };
  };
  return {
    handle: async ({ prompts, maxTokens }: Request) => {
      const startedAt = performance.now();
      let next = 0;
      let tokens = 0;
      const lane = async (sequence: LlamaContextSequence) => {
        while (next < prompts.length) {
          const index = next++;
          const answered = await answer(sequence, prompts[index] as string, maxTokens, index + 1);
          tokens += answered.tokens;
        }
      };
      await Promise.all(all.map(lane));
      return { outputTokens: tokens, totalMs: performance.now() - startedAt };
    },
    stop: async () => {
      await context.dispose();
      await model.dispose();
    },
  };
});

/** A raw prompt as aipg reads it: with control tokens, after the token that starts a text if the model has one. */
function tokenize(model: LlamaModel, prompt: string): Token[] {
  const tokens = model.tokenize(prompt, true);
  const { bos, shouldPrependBosToken } = model.tokens;
  if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
  return tokens;
}

import { availableParallelism } from 'node:os';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { machineFingerprint } from '../../cache/machine.ts';
import type { ModelFile } from '../../protocol/model.ts';
import type { Backend } from './backend.ts';
import { LogProbs } from './log-probs.ts';
import { rememberedThreads } from './thread-cache.ts';
import { chooseThreads, type MeasureRate } from './thread-choice.ts';

/** Milliseconds that a whole trial may take before its last measurement starts. */
const TRIAL_BUDGET_MS = 800;
/** Milliseconds, and rounds, after which one count has been measured well enough. */
const ROUND_BUDGET_MS = 25;
const LEAST_ROUNDS = 3;
/** More sequences than this at once measure nothing new. */
const MOST_SEQUENCES = 8;

/** The CPU threads that decode this model fastest on this machine: measured once, then remembered in `cacheDir`. */
export async function threadsFor(
  { nodeLlamaCpp, llama }: Backend,
  model: LlamaModel,
  file: ModelFile,
  slots: number,
  cacheDir: string,
  signal?: AbortSignal,
): Promise<number> {
  const key = [
    machineFingerprint(await nodeLlamaCpp.getModuleVersion()),
    llama.gpu || 'cpu',
    file.sha256,
    slots,
  ].join('|');
  const measure = measureWith(model, Math.min(slots, MOST_SEQUENCES), signal);
  return rememberedThreads(cacheDir, key, () =>
    chooseThreads({ cores: availableParallelism(), measure, budgetMs: TRIAL_BUDGET_MS }),
  );
}

/** Tokens per second with every sequence of a context decoding one token at a time. */
function measureWith(model: LlamaModel, sequences: number, signal: AbortSignal | undefined): MeasureRate {
  return async (threads) => {
    const context = await model.createContext({ sequences, contextSize: 256, threads });
    const token = model.tokens.bos ?? model.tokens.eos ?? (0 as Token);
    const outputs = Array.from({ length: sequences }, () => ({
      sequence: context.getSequence(),
      logProbs: new LogProbs(),
    }));
    try {
      const round = () =>
        Promise.all(outputs.map(({ sequence, logProbs }) => logProbs.next(sequence, [token])));
      await round(); // reads the weights from disk and fills the caches
      const start = performance.now();
      let elapsed = 0;
      let rounds = 0;
      while (rounds < LEAST_ROUNDS ? elapsed < TRIAL_BUDGET_MS / 4 : elapsed < ROUND_BUDGET_MS) {
        signal?.throwIfAborted();
        await round();
        rounds++;
        elapsed = performance.now() - start;
      }
      return (rounds * sequences * 1_000) / elapsed;
    } finally {
      for (const { logProbs } of outputs) await logProbs[Symbol.asyncDispose]();
      await context.dispose();
    }
  };
}

import type { Token } from 'node-llama-cpp';
import { resolvePaths } from '../src/runtime/config/paths.ts';
import { loadBackend } from '../src/runtime/engines/llama/backend.ts';
import { LogProbs } from '../src/runtime/engines/llama/log-probs.ts';
import { createSampler } from '../src/runtime/engines/sampler/sampler.ts';
import { deriveSeed, type Sampling } from '../src/runtime/protocol/text.ts';
import { DEFAULT_SAMPLING } from './support/job.ts';
import { type BenchModel, benchModels } from './support/models.ts';
import { median } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';

const STEPS = 300;
const WARM_UP_STEPS = 100;

const settings: readonly (readonly [label: string, sampling: Sampling])[] = [
  ['default', DEFAULT_SAMPLING],
  ['greedy', { ...DEFAULT_SAMPLING, temperature: 0 }],
  ['repeat penalty', { ...DEFAULT_SAMPLING, repeatPenalty: 1.1 }],
  ['no truncation', { ...DEFAULT_SAMPLING, topK: 0, topP: 1, minP: 0 }],
];

/** One pick of the sampler against one decode step, taken in turn. */
export async function sampler(): Promise<void> {
  await using bench = await benchModels();
  const rows: string[][] = [];
  for (const model of bench.models) rows.push(...(await measure(model)));
  printTable(
    `sampler: one pick against one decode step, one thread, medians of ${STEPS} steps`,
    ['model', 'sampling', 'decode µs', 'pick µs', 'of a decode'],
    rows,
  );
}

async function measure({ label, file, prompt }: BenchModel): Promise<string[][]> {
  const { llama } = await loadBackend(resolvePaths().cache);
  const model = await llama.loadModel({ modelPath: file.path });
  const context = await model.createContext({ sequences: 1, threads: 1, contextSize: 1_024 });
  const sequence = context.getSequence();
  const seed = deriveSeed('bench');
  const samplers = settings.map(([name, sampling]) => ({
    name,
    sampler: createSampler(sampling, seed),
    us: [] as number[],
  }));
  const decodeUs: number[] = [];
  await using logProbs = new LogProbs();

  const history: Token[] = model.tokenize(prompt);
  let next: readonly Token[] = history.slice();
  for (let step = -WARM_UP_STEPS; step < STEPS; step++) {
    const decodedFrom = performance.now();
    const likeliest = await logProbs.next(sequence, next);
    const decoded = performance.now() - decodedFrom;
    if (step >= 0) decodeUs.push(1_000 * decoded);
    let token: Token | undefined;
    for (const { sampler, us } of samplers) {
      const pickedFrom = performance.now();
      const picked = sampler.pick(likeliest, history.length, history);
      const took = performance.now() - pickedFrom;
      if (step >= 0) us.push(1_000 * took);
      token ??= picked as Token;
    }
    if (token === undefined) throw new Error('no sampler');
    history.push(token);
    next = [token];
  }
  await context.dispose();
  await model.dispose();
  const step = median(decodeUs);
  return samplers.map(({ name, us }, index) => [
    index === 0 ? label : '',
    name,
    index === 0 ? number(step) : '',
    number(median(us)),
    `${((100 * median(us)) / step).toFixed(1)} %`,
  ]);
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { resolvePaths } from '../src/runtime/config/paths.ts';
import { loadBackend } from '../src/runtime/engines/llama/backend.ts';
import { decode } from '../src/runtime/engines/llama/decode.ts';
import { LogProbs } from '../src/runtime/engines/llama/log-probs.ts';
import { createSampler } from '../src/runtime/engines/sampler/sampler.ts';
import { bundledModel } from '../src/runtime/models/bundled.ts';
import { deriveSeed } from '../src/runtime/protocol/text.ts';
import { DEFAULT_SAMPLING } from './support/job.ts';
import { WIDE, writeRandomModel } from './support/random-model.ts';
import { median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';

const SEQUENCES = 4;
const STEPS = 60;
const ROUNDS = 12;

type Next = (
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
) => Promise<Iterable<readonly [Token, number]>>;

/** Steps of four sequences whose sampler is given log probabilities, against steps in which it is given logits. */
export async function decodeStep(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const wide = await writeRandomModel(join(folder, 'wide.gguf'), WIDE);
    const { llama } = await loadBackend(resolvePaths().cache);
    const rows: string[][] = [];
    for (const [label, { path }] of [
      ['bundled', bundledModel()],
      ['random, wide', wide],
    ] as const) {
      const model = await llama.loadModel({ modelPath: path });
      rows.push(await measure(label, model));
      await model.dispose();
    }
    printTable(
      `decode-step: ${SEQUENCES} sequences, one thread, medians of ${ROUNDS} interleaved rounds of ${STEPS} steps`,
      ['model', 'vocabulary', 'by logits ms', 'by log probabilities ms', 'paired'],
      rows,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(label: string, model: LlamaModel): Promise<string[]> {
  await using context = await model.createContext({ sequences: SEQUENCES, threads: 1, contextSize: 512 });
  const sequences = Array.from({ length: SEQUENCES }, () => context.getSequence());
  const sampler = createSampler(DEFAULT_SAMPLING, deriveSeed('bench'));
  const start = model.tokenize('Once there was a fox who');

  /** @returns milliseconds a step */
  const run = async (nexts: readonly Next[]): Promise<number> => {
    for (const sequence of sequences) await sequence.clearHistory();
    let tokens: readonly (readonly Token[])[] = sequences.map(() => start);
    const startedAt = performance.now();
    for (let step = 0; step < STEPS; step++) {
      const follow = sequences.map((sequence, at) => (nexts[at] as Next)(sequence, tokens[at] ?? []));
      tokens = (await Promise.all(follow)).map((each) => [sampler.pick(each, step, []) as Token]);
    }
    return (performance.now() - startedAt) / STEPS;
  };
  const byLogits = () => run(sequences.map(() => decode));
  const byLogProbs = async () => {
    const all = sequences.map(() => new LogProbs());
    const took = await run(all.map((each) => each.next.bind(each)));
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
    return took;
  };
  const times = { logits: [] as number[], logProbs: [] as number[] };
  await byLogits();
  await byLogProbs();
  for (let round = 0; round < ROUNDS; round++) {
    times.logits.push(await byLogits());
    times.logProbs.push(await byLogProbs());
  }
  return [
    label,
    model.fileInfo.metadata.tokenizer.ggml.tokens.length.toLocaleString('en'),
    number(median(times.logits)),
    number(median(times.logProbs)),
    `× ${number(medianOfPairs(times.logProbs, times.logits, ratio))}`,
  ];
}

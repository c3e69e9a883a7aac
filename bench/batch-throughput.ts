import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolvePaths } from '../src/runtime/config/paths.ts';
import { startChild } from './support/child.ts';
import { type BenchModel, benchModels } from './support/models.ts';
import { builtProgram, runProgram } from './support/program.ts';
import { startGrid, temporaryHome } from './support/running-grid.ts';
import { median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';

const ROUNDS = 5;
const SLOTS = 4;
const MAX_TOKENS = 100;
/** For each model, a prompt that it answers at length, by its control tokens, and how many make some seconds. */
const WORK = [
  {
    prompt: (n: number) => `<|user|>Tell me a story about a ${ANIMALS[n % 4]}.<|end|><|assistant|>`,
    count: 1_000,
    warmUp: 50,
  },
  { prompt: (n: number) => `w300 w400 w500 w${600 + n}`, count: 40, warmUp: 8 },
] as const;
const ANIMALS = ['fox', 'bear', 'owl', 'mouse'];

interface Rate {
  readonly outputTokens: number;
  readonly totalMs: number;
}

/** A batch through `aipg up`, and in one process, against the same prompts given to node-llama-cpp alone. */
export async function batchThroughput(): Promise<void> {
  await using bench = await benchModels();
  const rows: string[][] = [];
  for (const [index, model] of bench.models.entries()) {
    const { prompt, count, warmUp } = WORK[index] as (typeof WORK)[number];
    const prompts = Array.from({ length: count }, (_, n) => prompt(n));
    rows.push(...(await measure(model, prompts, warmUp)));
  }
  printTable(
    `batch-throughput: ${SLOTS} sequences, ${MAX_TOKENS} tokens a prompt at most, medians of ${ROUNDS} interleaved rounds of ${WORK.map(({ count }) => count).join(' and ')} prompts`,
    ['model', 'tokens/s through', 'tokens/s', 'of node-llama-cpp', 'goal'],
    rows,
    [
      'node-llama-cpp: its own loop and sampler, one thread, a prompt after another in each sequence.',
      'All with one thread of llama.cpp; over the grid, client, nats-server and host are processes of their own.',
    ],
  );
}

async function measure(
  { label, file }: BenchModel,
  prompts: readonly string[],
  warmUp: number,
): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const write = async (name: string, some: readonly string[]) => {
      const input = join(folder, name);
      await writeFile(input, some.map((text) => `${JSON.stringify({ prompt: text, raw: true })}\n`).join(''));
      return { input, prompts: some };
    };
    const all = await write('in.jsonl', prompts);
    const few = await write('few.jsonl', prompts.slice(0, warmUp));
    await using home = await temporaryHome();
    await using alone = await temporaryHome();
    const serve = ['-m', file.path, '--threads', '1', '--slots', String(SLOTS)];
    await using _grid = await startGrid(builtProgram(), home, serve);
    await using bare = await startChild(
      'bare-sequences',
      JSON.stringify(file),
      resolvePaths().cache,
      String(SLOTS),
    );
    const batch = ['gen', '--json', '-n', String(MAX_TOKENS), '--batch'];
    const local = ['--grid', 'local', '-m', file.path, '--threads', '1', '-j', String(SLOTS)];
    const aipg = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Rate> =>
      JSON.parse((await runProgram(args, env)).stderr) as Rate;
    const ways: Readonly<Record<string, (work: typeof all) => Promise<Rate>>> = {
      'node-llama-cpp alone': (work) => bare.ask<Rate>({ prompts: work.prompts, maxTokens: MAX_TOKENS }),
      'aipg gen --batch, in-process': ({ input }) => aipg([...batch, input, ...local], alone.env),
      'aipg gen --batch, aipg up': ({ input }) => aipg([...batch, input], home.env),
    };
    const rates = new Map(Object.keys(ways).map((way) => [way, [] as number[]]));
    for (const run of Object.values(ways)) await run(few);
    for (let round = 0; round < ROUNDS; round++) {
      // In turns forth and back, as a host's speed drifts.
      for (const [way, run] of round % 2 ? Object.entries(ways).reverse() : Object.entries(ways)) {
        const { outputTokens, totalMs } = await run(all);
        rates.get(way)?.push((1_000 * outputTokens) / totalMs);
      }
    }
    const [baseline = []] = rates.values();
    return [...rates].map(([way, each], index) => [
      index === 0 ? label : '',
      way,
      number(median(each)),
      index === 0 ? '' : `× ${number(medianOfPairs(each, baseline, ratio))}`,
      index === 2 ? '≥ × 0.95' : '',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

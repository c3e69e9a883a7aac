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
const WARM_UP_ROUNDS = 1;
const SLOTS = 4;
const MAX_TOKENS = 100;
/** For each model, a prompt that it answers at length, by its control tokens, and how many make some seconds. */
const WORK = [
  {
    prompt: (n: number) => `<|user|>Tell me a story about a ${ANIMALS[n % 4]}.<|end|><|assistant|>`,
    count: 100,
  },
  { prompt: (n: number) => `w300 w400 w500 w${600 + n}`, count: 12 },
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
    const { prompt, count } = WORK[index] as (typeof WORK)[number];
    rows.push(
      ...(await measure(
        model,
        Array.from({ length: count }, (_, n) => prompt(n)),
      )),
    );
  }
  printTable(
    `batch-throughput: ${SLOTS} sequences, ${MAX_TOKENS} tokens a prompt at most, medians of ${ROUNDS} interleaved rounds`,
    ['model', 'tokens/s through', 'tokens/s', 'of node-llama-cpp', 'goal'],
    rows,
    [
      'node-llama-cpp: its own loop and sampler, one thread, a prompt after another in each sequence.',
      'All with one thread of llama.cpp; over the grid, client, nats-server and host are processes of their own.',
    ],
  );
}

async function measure({ label, file }: BenchModel, prompts: readonly string[]): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const input = join(folder, 'in.jsonl');
    await writeFile(
      input,
      prompts.map((text) => `${JSON.stringify({ prompt: text, raw: true })}\n`).join(''),
    );
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
    const batch = ['gen', '--json', '-n', String(MAX_TOKENS), '--batch', input];
    const local = [...batch, '--grid', 'local', '-m', file.path, '--threads', '1', '-j', String(SLOTS)];
    const aipg = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Rate> =>
      JSON.parse((await runProgram(args, env)).stderr) as Rate;
    const ways: Readonly<Record<string, () => Promise<Rate>>> = {
      'node-llama-cpp alone': () => bare.ask<Rate>({ prompts, maxTokens: MAX_TOKENS }),
      'aipg gen --batch, in-process': () => aipg(local, alone.env),
      'aipg gen --batch, aipg up': () => aipg(batch, home.env),
    };
    const rates = new Map(Object.keys(ways).map((way) => [way, [] as number[]]));
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (const [way, run] of Object.entries(ways)) {
        const { outputTokens, totalMs } = await run();
        if (round >= 0) rates.get(way)?.push((1_000 * outputTokens) / totalMs);
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

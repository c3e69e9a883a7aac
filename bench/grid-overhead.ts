import { connectBus } from '../src/runtime/bus/connect.ts';
import { resolvePaths } from '../src/runtime/config/paths.ts';
import { createBusGrid } from '../src/runtime/grids/bus.ts';
import type { Grid } from '../src/runtime/grids/grid.ts';
import { LOCAL_ACCOUNT } from '../src/runtime/protocol/ids.ts';
import { startBus } from './support/bus.ts';
import { type Child, startChild } from './support/child.ts';
import { rawJob } from './support/job.ts';
import { type BenchModel, benchModels } from './support/models.ts';
import { difference, median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable, signed } from './support/table.ts';
import { type TimedAnswer, timedAnswer } from './support/timed-answer.ts';

const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;
const MAX_TOKENS = 300;

/** What a grid adds to an answer: the same jobs over a bus and in-process, one at a time. */
export async function gridOverhead(): Promise<void> {
  await using bench = await benchModels();
  const rows: string[][] = [];
  for (const model of bench.models) rows.push(...(await measure(model)));
  printTable(
    `grid-overhead: one job at a time, ${MAX_TOKENS} tokens, medians of ${ROUNDS} pairs`,
    ['model', 'measure', 'in-process', 'over the grid', 'paired', 'goal'],
    rows,
  );
}

async function measure(model: BenchModel): Promise<string[][]> {
  const file = JSON.stringify(model.file);
  const cacheDir = resolvePaths().cache;
  await using bus = await startBus();
  await using _host = await startChild('grid-host', bus.url, file, cacheDir);
  await using local = await startChild('local-grid', file, cacheDir);
  await using grid = createBusGrid({
    name: 'bench',
    connection: await connectBus({ url: bus.url, name: 'bench client' }),
    account: LOCAL_ACCOUNT,
  });

  const pairs: { inProcess: TimedAnswer; overGrid: TimedAnswer }[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const pair = await runPair(grid, local, model.prompt, round);
    if (pair.inProcess.text !== pair.overGrid.text) throw new Error(`${model.label}: the answers differ`);
    if (round >= 0) pairs.push(pair);
  }
  const first = pairs.map((pair) => pair.overGrid.firstTokenMs);
  const firstLocal = pairs.map((pair) => pair.inProcess.firstTokenMs);
  const rate = pairs.map((pair) => pair.overGrid.tokensPerSecond);
  const rateLocal = pairs.map((pair) => pair.inProcess.tokensPerSecond);
  const added = medianOfPairs(first, firstLocal, difference);
  return [
    [
      model.label,
      'first token',
      `${number(median(firstLocal))} ms`,
      `${number(median(first))} ms`,
      `${signed(added)} ms`,
      '≤ +2 ms',
    ],
    [
      '',
      'tokens/s',
      number(median(rateLocal)),
      number(median(rate)),
      `× ${number(medianOfPairs(rate, rateLocal, ratio))}`,
      '≥ × 0.98',
    ],
  ];
}

/** The same prompt and seed both ways; which way goes first alternates. */
async function runPair(grid: Grid, local: Child, prompt: string, round: number) {
  const job = () => rawJob(prompt, MAX_TOKENS, `bench ${round}`);
  const askGrid = () => timedAnswer(grid, job());
  const askLocal = () => local.ask<TimedAnswer>(job());
  if (round % 2 === 0) return { overGrid: await askGrid(), inProcess: await askLocal() };
  const inProcess = await askLocal();
  return { overGrid: await askGrid(), inProcess };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { textJob } from '../src/cli/text-job.ts';
import { connectBus } from '../src/runtime/bus/connect.ts';
import { resolvePaths } from '../src/runtime/config/paths.ts';
import { readRunningGrid } from '../src/runtime/config/running-grid.ts';
import { createBusGrid } from '../src/runtime/grids/bus.ts';
import type { Grid } from '../src/runtime/grids/grid.ts';
import { LOCAL_ACCOUNT } from '../src/runtime/protocol/ids.ts';
import { type Home, startGrid, temporaryHome } from './support/running-grid.ts';
import { difference, median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable, signed } from './support/table.ts';
import { timedAnswer } from './support/timed-answer.ts';

const ROUNDS = 15;
const WARM_UP_ROUNDS = 2;
const PROMPT = 'What is 12 + 7?';
const GEN = ['gen', '--seed', '7', '--temperature', '0', PROMPT];

interface Case {
  readonly label: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What is measured: the first byte on stdout, else the end of the process. */
  readonly until: 'first byte' | 'exit';
  /** Times bare Node that it may take, beside the grid's own time to the first token where it asks a grid. */
  readonly goal?: number;
  readonly asksGrid?: boolean;
}

/** Whole processes of the built binary, from spawn on, against a Node that does nothing. */
export async function startUp(): Promise<void> {
  const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));
  if (!existsSync(new URL('../dist/cli/main.js', import.meta.url)))
    throw new Error('Build first: npm run build');
  await using alone = await temporaryHome();
  await using home = await temporaryHome();
  await using _grid = await startGrid(program, home);
  await using client = await warmClient(home);

  const { env } = alone;
  const gen = [program, ...GEN];
  const bare: Case = { label: 'node -e 0', args: ['-e', '0'], env, until: 'exit' };
  const cases: Case[] = [
    { label: 'aipg --version', args: [program, '--version'], env, until: 'exit', goal: 3 },
    { label: 'aipg gen --help', args: [program, 'gen', '--help'], env, until: 'exit', goal: 3 },
    { label: 'Tab after aipg gen --', args: [program, '__complete', 'gen', '--'], env, until: 'exit' },
    { label: 'aipg gen, in-process', args: gen, env, until: 'first byte' },
    {
      label: 'aipg gen, running grid',
      args: gen,
      env: home.env,
      until: 'first byte',
      goal: 4,
      asksGrid: true,
    },
  ];
  const times = new Map([bare, ...cases].map((each) => [each, [] as number[]]));
  const gridMs: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [each, ms] of times) {
      const took = await timeProcess(each);
      if (round >= 0) ms.push(took);
    }
    const job = textJob(
      PROMPT,
      { raw: false, seed: '7', temperature: 0 },
      { model: undefined, timeoutMs: undefined },
    );
    const { firstTokenMs } = await timedAnswer(client, job);
    if (round >= 0) gridMs.push(firstTokenMs);
  }
  const baseline = times.get(bare) ?? [];
  printTable(
    `start-up: whole processes, medians of ${ROUNDS} interleaved runs`,
    ['process', 'until', 'ms', 'more than Node', 'times Node', 'goal'],
    [...times].map(([{ label, until, goal, asksGrid }, ms]) => {
      const own = asksGrid ? ms.map((value, round) => value - (gridMs[round] ?? 0)) : ms;
      return [
        asksGrid ? `${label}, less the grid's` : label,
        until,
        number(median(own)),
        signed(medianOfPairs(own, baseline, difference)),
        `× ${number(medianOfPairs(own, baseline, ratio))}`,
        goal === undefined ? '' : `≤ × ${goal}`,
      ];
    }),
    [`The grid's own time to the first token, asked by a warm client in turn: ${number(median(gridMs))} ms.`],
  );
}

/** A client that has been connected for long, in this process. */
async function warmClient({ env }: Home): Promise<Grid> {
  const running = readRunningGrid(resolvePaths(env));
  if (!running) throw new Error('The grid is not up.');
  const connection = await connectBus({ url: running.url, name: 'bench' });
  return createBusGrid({ name: 'bench', connection, account: LOCAL_ACCOUNT });
}

async function timeProcess({ label, args, env, until }: Case): Promise<number> {
  const startedAt = performance.now();
  let firstByteAt: number | undefined;
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.on('data', () => {
    firstByteAt ??= performance.now();
  });
  const [code] = await once(child, 'close');
  const endedAt = performance.now();
  if (code !== 0) throw new Error(`${label} ended with ${code}`);
  return (until === 'first byte' ? (firstByteAt ?? endedAt) : endedAt) - startedAt;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startGrid, temporaryHome } from './support/running-grid.ts';
import { difference, median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable, signed } from './support/table.ts';

const ROUNDS = 15;
const WARM_UP_ROUNDS = 2;
const PROMPT = ['--seed', '7', '--temperature', '0', 'What is 12 + 7?'];

interface Case {
  readonly label: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Whole processes of the built binary, from spawn to exit, against a Node that does nothing. */
export async function startUp(): Promise<void> {
  const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));
  if (!existsSync(new URL('../dist/cli/main.js', import.meta.url)))
    throw new Error('Build first: npm run build');
  await using alone = await temporaryHome();
  await using home = await temporaryHome();
  await using _grid = await startGrid(program, home);

  const bare: Case = { label: 'node -e 0', args: ['-e', '0'], env: alone.env };
  const cases: Case[] = [
    { label: 'aipg --version', args: [program, '--version'], env: alone.env },
    { label: 'aipg gen --help', args: [program, 'gen', '--help'], env: alone.env },
    { label: 'aipg gen, in-process', args: [program, 'gen', ...PROMPT], env: alone.env },
    { label: 'aipg gen, running grid', args: [program, 'gen', ...PROMPT], env: home.env },
  ];
  const times = new Map([bare, ...cases].map((each) => [each, [] as number[]]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [each, ms] of times) {
      const took = await timeProcess(each);
      if (round >= 0) ms.push(took);
    }
  }
  const baseline = times.get(bare) ?? [];
  printTable(
    `start-up: whole processes, medians of ${ROUNDS} interleaved runs`,
    ['process', 'ms', 'more than Node', 'times Node'],
    [...times].map(([{ label }, ms]) => [
      label,
      number(median(ms)),
      signed(medianOfPairs(ms, baseline, difference)),
      `× ${number(medianOfPairs(ms, baseline, ratio))}`,
    ]),
  );
}

async function timeProcess({ label, args, env }: Case): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.resume();
  const [code] = await once(child, 'exit');
  const took = performance.now() - startedAt;
  if (code !== 0) throw new Error(`${label} ended with ${code}`);
  return took;
}

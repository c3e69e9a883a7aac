import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBus } from './support/bus.ts';
import { startChild } from './support/child.ts';
import { builtProgram } from './support/program.ts';
import { temporaryHome } from './support/running-grid.ts';
import { quantile } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';
import { TerminalProgram, type Usage } from './support/terminal-program.ts';

const WORKERS = 2_000;
const JOBS_PER_SECOND = 100;
const SIZE = { columns: 200, rows: 60 };
/** Until a process has compiled what it runs often, in milliseconds. */
const WARM_UP_MS = 10_000;
const KEYS = 60;
const VIEWS = ['overview', 'jobs', 'workers', 'models', 'earnings', 'events'];

/** What `aipg top` costs while it watches a large, busy grid, against Ink alone that draws as many rows as often. */
export async function topLoad(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { seconds: { type: 'string', default: '60' }, view: { type: 'string', default: 'overview' } },
  });
  const measuredMs = 1_000 * Number(values.seconds);
  const shown = 1 + VIEWS.indexOf(values.view);
  if (shown < 1 || !(measuredMs > 0)) throw new Error(`--seconds N, --view ${VIEWS.join('|')}`);
  await using home = await temporaryHome();
  await using bus = await startBus();
  await using grid = await startChild('simulated-grid', bus.url, String(WORKERS), String(JOBS_PER_SECOND));
  const folder = process.env['AIPG_BENCH_PROFILE'];
  const profile = folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
  await using top = await TerminalProgram.start(
    [...profile, builtProgram(), 'top', '--grid', bus.url, '--view', values.view],
    { ...SIZE, env: home.env },
  );
  await using ink = await TerminalProgram.start(
    ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('roles/bare-ink.ts', import.meta.url))],
    { ...SIZE, env: { ...home.env, NODE_ENV: 'production' } },
  );
  await top.until(/2000 workers/);
  await delay(WARM_UP_MS);
  const messages = async () => (await grid.ask<{ messages: number }>({})).messages;
  const heap = [await top.heapMegabytes()];
  const before = { top: top.usage(), ink: ink.usage(), messages: await messages(), at: performance.now() };
  await delay(measuredMs);
  const after = { top: top.usage(), ink: ink.usage(), messages: await messages(), at: performance.now() };
  const ms = after.at - before.at;
  heap.push(await top.heapMegabytes());

  const keyMs: number[] = [];
  for (let n = 0; n < KEYS; n++) {
    const view = (n + shown) % VIEWS.length;
    // The open tab is drawn inverse.
    keyMs.push(await top.press(String(view + 1), new RegExp(`\\[7m ${view + 1} ${VIEWS[view]} `)));
    await delay(100 + ((n * 97) % 300));
  }

  const row = (
    name: string,
    first: Usage,
    last: Usage,
    alive: readonly number[],
    keys: readonly string[],
    goal: string,
  ) => [
    name,
    `${number((100 * (last.cpuMs - first.cpuMs)) / ms)} %`,
    goal,
    number(first.residentMegabytes),
    number(last.residentMegabytes),
    ...[0, 1].map((at) => (alive[at] === undefined ? '' : number(alive[at]))),
    `${number((last.written - first.written) / ms)} kB`,
    ...keys,
  ];
  const perSecond = (1_000 * (after.messages - before.messages)) / ms;
  printTable(
    `top-load: ${WORKERS} workers, ${JOBS_PER_SECOND} jobs/s, ${number(perSecond)} messages/s, ${SIZE.columns}×${SIZE.rows}, ${values.view}, ${number(ms / 1_000)} s`,
    [
      '',
      'of one core',
      'goal',
      'resident MB, start',
      'end',
      'alive MB, start',
      'end',
      'drawn/s',
      'key to screen p50',
      'p95',
      'goal',
    ],
    [
      row(
        'aipg top',
        before.top,
        after.top,
        heap,
        [`${number(quantile(keyMs, 0.5))} ms`, `${number(quantile(keyMs, 0.95))} ms`, '≤ 100 ms'],
        '≤ 8 %',
      ),
      row('bare Ink', before.ink, after.ink, [], ['', '', ''], ''),
    ],
    [
      'bare Ink: a string a row, all of which change with each of four frames a second; no bus.',
      'Processor time of all threads, system calls included.',
    ],
  );
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';

let home: Sandbox;
beforeAll(async () => {
  home = await Sandbox.create();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

interface Told {
  readonly totals: { readonly workers: number; readonly done: number };
  readonly models: readonly { readonly name: string }[];
  readonly jobs: readonly { readonly status: string; readonly tier?: string; readonly model?: string }[];
}

test('a grid with workers of different speed and jobs for them, beside that of aipg up, which leaves nothing', async () => {
  const asked = ['--workers', '3', '--speed', '200', '--jobs-per-second', '12'];
  await using demo = home.serve(['demo', '--json', ...asked]);
  const up = await demo.stdout.json<{ pid: number; workers: { id: string; tokensPerSecond: number }[] }>();
  expect(up.workers.map(({ id, tokensPerSecond }) => [id.replace(/-\w+$/, ''), tokensPerSecond])).toEqual([
    ['atlas', 200],
    ['birch', 140],
    ['cedar', expect.closeTo(98)],
  ]);

  // It is found by its name alone: what is meant for a grid of one's own does not get there.
  expect((await home.aipg(['top', '--once'])).exitCode).toBe(4);
  const again = await home.aipg(['demo', '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ pid: up.pid, alreadyUp: true });
  const answer = await home.aipg([
    'gen',
    '--grid',
    'demo',
    '-m',
    'demo/small',
    'Tell me a story about a fox.',
  ]);
  expect(answer.stdout).toMatch(/\w/);

  await using top = home.serve(['top', '--grid', 'demo', '--json', '--watch']);
  const busy = await top.stdout.json<Told>((told) => {
    const { totals, jobs } = told as unknown as Told;
    return totals.done > 5 && new Set(jobs.map(({ tier }) => tier)).size > 2;
  });
  expect(busy.totals.workers).toBe(3);
  expect(busy.models.map(({ name }) => name)).toEqual(['demo/large', 'demo/medium', 'demo/small']);
  await top.stop('SIGINT');

  const { exitCode, stderr } = await demo.stop('SIGINT');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(await home.busProcesses()).toEqual([]);
  expect(existsSync(join(home.paths.data, 'demo'))).toBe(false);
  expect(existsSync(join(home.paths.state, 'demo', 'up.json'))).toBe(false);
});

test('it says how to look at it, and so does --grid demo where none runs', async () => {
  const none = await home.aipg(['top', '--once', '--grid', 'demo']);
  expect({ exitCode: none.exitCode, stderr: none.stderr }).toEqual({
    exitCode: 4,
    stderr: expect.stringContaining('aipg demo'),
  });
  await using terminal = await Terminal.open(home);
  const ended = await terminal.start('aipg demo --workers 1');
  await terminal.until(/worker +ready[\s\S]*aipg top --grid demo[\s\S]*Ctrl-C stops it/);
  await terminal.press('C-c');
  expect((await ended()).status).toBe(0);
});

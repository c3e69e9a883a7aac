import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';
import { startTwoModels, type TwoModels } from '../support/e2e-two-models.ts';

let served: TwoModels;
let home: Sandbox;
let url: string;
let grid: readonly string[];

beforeAll(async () => {
  served = await startTwoModels({ tiny: 'small', endless: 'talker' });
  ({ home, url, grid } = served);
});
afterAll(() => served[Symbol.asyncDispose]());

describe('without a terminal', () => {
  test('one frame as text, without a colour', async () => {
    const { stdout, exitCode } = await home.aipg(['top', ...grid, '--view', 'workers']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/● live {2}2 workers {2}0\/5 slots/);
    expect(stdout).toMatch(/small-\w+ +serving +aipg-tiny/);
    expect(stdout).not.toContain('\u001b');
  });

  test('--json is one snapshot', async () => {
    const { stdout, exitCode } = await home.aipg(['top', ...grid, '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      grid: url,
      connection: { state: 'live', directors: 1 },
      totals: { workers: 2, slots: 5 },
      models: [
        { name: 'aipg-tiny', slots: 4 },
        { name: 'endless', slots: 1 },
      ],
      earnings: { state: 'free' },
    });
    expect(stdout).not.toContain('"price"');
  });

  test('where nothing is paid for, the earnings say so', async () => {
    const { stdout, exitCode } = await home.aipg(['top', ...grid, '--once', '--view', 'earnings']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\[5 earnings\][\s\S]*Jobs are free on this grid/);
  });

  test('--json --watch is one a change, until Ctrl-C', async () => {
    await using top = home.serve(['top', ...grid, '--json', '--watch']);
    await top.stdout.json();
    const { exitCode } = await home.aipg(['gen', '-m', 'aipg-tiny', ...grid, 'Hello']);
    expect(exitCode).toBe(0);
    const told = await top.stdout.json<{ jobs: object[] }>(
      ({ totals }) => (totals as { done: number }).done === 1,
    );
    expect(told.jobs.at(-1)).toMatchObject({ status: 'done', model: 'aipg-tiny', account: 'local' });
    expect(top.stdout.all.join()).not.toContain('Hello');
    expect((await top.stop('SIGINT')).exitCode).toBe(130);
  });

  test('where there is no grid, it says how to start one', async () => {
    const { exitCode, stderr } = await home.aipg(['top']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: expect.stringContaining('aipg up') });
  });
});

describe('on a terminal', () => {
  test('views, details, sort, filter, cancel, resize and quit; the screen is as it was', async () => {
    await using terminal = await Terminal.open(home);
    const ended = await terminal.start(`echo before; aipg top --grid ${url}`);
    await terminal.until(/1 overview[\s\S]*tokens\/s[\s\S]*small-/);

    // Nobody serves it: it waits until somebody ends it.
    const { stdout } = await home.aipg(['gen', '--detach', '--wait', ...grid, '-m', 'absent', 'Hello']);
    const job = stdout.trim();
    await terminal.press('2');
    await terminal.type('/absent');
    await terminal.until(/▸ \S+ +waiting +absent/);
    await terminal.press('Enter');
    await terminal.press('Enter');
    await terminal.until(new RegExp(`${job}[^]*state +waiting[^]*WHAT HAPPENED[^]*accepted`));
    await terminal.press('c');
    await terminal.until(new RegExp(`Cancel job ${job}`));
    await terminal.press('y');
    await terminal.until(new RegExp(`state +cancelled[^]* cancelled\\s[^]*Cancelled ${job}`));

    // Alone: with the next key it would be Alt and that key.
    await terminal.press('Escape');
    await terminal.until(/Enter details/);
    await terminal.press('3');
    await terminal.until(/by rate/);
    await terminal.press('<');
    await terminal.until(/by slots/);
    await terminal.type('/talk');
    await terminal.until(/1 of 2[\s\S]*▸ talker-/);
    await terminal.press('Enter');
    await terminal.until(/\/talk\s[\s\S]*Enter details/);

    await terminal.resize(60);
    await terminal.until(/▸ talker-[^\n]*\n[\s\S]*Enter details[^\n]*…/);
    await terminal.resize(100);
    await terminal.press('?');
    await terminal.until(/Any key closes this/);
    await terminal.press('x');
    await terminal.press('q');
    const { screen, status } = await ended();
    expect(status).toBe(0);
    expect(screen).toContain('before');
    expect(screen).not.toMatch(/overview|talker/);
  });

  test('the mouse chooses, unless it is left to the terminal', async () => {
    await using terminal = await Terminal.open(home);
    const ended = await terminal.start(`aipg top --grid ${url}`);
    await terminal.until(/1 overview[\s\S]*small-/);
    await terminal.type('\u001b[<0;25;2M');
    await terminal.until(/by rate[\s\S]*▸ /);
    await terminal.type('\u001b[<0;25;5M');
    await terminal.type('\u001b[<0;25;5M');
    await terminal.until(/slots +0 of/);
    expect(await terminal.mouse()).toBe(true);
    await terminal.press('q');
    expect((await ended()).status).toBe(0);
    expect(await terminal.mouse()).toBe(false);

    const unmoused = await terminal.start(`aipg top --no-mouse --grid ${url}`);
    await terminal.until(/1 overview[\s\S]*small-/);
    expect(await terminal.mouse()).toBe(false);
    await terminal.press('q');
    await unmoused();
  });

  test('d drains a worker, after a yes: it ends as by SIGTERM', async () => {
    await using leaving = await home.startWorker(url, ['--name', 'leaving']);
    await using terminal = await Terminal.open(home);
    const ended = await terminal.start(`aipg top --grid ${url} --view workers`);
    await terminal.until(/by rate[\s\S]*leaving-/);
    await terminal.type('/leaving');
    await terminal.until(/1 of 3[\s\S]*▸ leaving-/);
    await terminal.press('Enter');
    await terminal.until(/d drain/);
    await terminal.press('d');
    await terminal.until(new RegExp(`Drain ${leaving.id}\\? It ends its jobs`));
    await terminal.press('y');
    await terminal.until(/leaves when its own have ended/);
    const { exitCode, stderr } = await leaving.run;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/"draining"[\s\S]*"stopped"/);
    await terminal.until(/▸ leaving-\w+ +gone/);
    await terminal.press('q');
    await ended();
  });

  test('a crash gives the screen back before it is told', async () => {
    await using terminal = await Terminal.open(home);
    const crash = "--import=data:text/javascript,process.once('SIGUSR2',()=>{throw%20new%20Error('broken')})";
    const ended = await terminal.start(`echo before; NODE_OPTIONS="${crash}" aipg top --grid ${url}`);
    await terminal.until(/1 overview[\s\S]*small-/);
    await terminal.signalForeground('USR2');
    const { screen, status } = await ended();
    expect(status).toBe(1);
    expect(screen).toMatch(/before[\s\S]*broken/);
    expect(screen).not.toMatch(/overview/);
    expect(await terminal.mouse()).toBe(false);
  });

  test('a terminal that is gone takes it along', async () => {
    const terminal = await Terminal.open(home);
    const pipe = join(home.home, 'held-while-it-runs');
    await execa('mkfifo', [pipe]);
    // Whoever still runs holds it open.
    const held = text(createReadStream(pipe));
    await terminal.start(`aipg top --grid ${url} 9> ${pipe}`);
    await terminal.until(/1 overview[\s\S]*small-/);
    await terminal[Symbol.asyncDispose]();
    expect(await held).toBe('');
  });

  test('Ctrl-Z gives the shell its screen, and fg comes back', async () => {
    await using terminal = await Terminal.open(home);
    const stopped = await terminal.start(`aipg top --grid ${url}`);
    await terminal.until(/1 overview[\s\S]*small-/);
    await terminal.press('C-z');
    const { screen, status } = await stopped();
    expect(status).toBe(148);
    expect(screen).toMatch(/Stopped/);
    expect(screen).not.toMatch(/overview/);
    const ended = await terminal.start('fg');
    await terminal.press('3');
    await terminal.until(/3 workers[\s\S]*▸ /);
    await terminal.press('C-c');
    expect((await ended()).status).toBe(130);
  });

  test('SIGTERM restores the screen', async () => {
    await using terminal = await Terminal.open(home);
    const ended = await terminal.start(`echo before; aipg top --grid ${url}`);
    await terminal.until(/1 overview[\s\S]*small-/);
    await terminal.signalForeground('TERM');
    const { screen, status } = await ended();
    expect(status).toBe(143);
    expect(screen).toMatch(/before/);
    expect(screen).not.toMatch(/overview/);
  });

  test('waits for a grid that is not there yet', async () => {
    await using terminal = await Terminal.open(home);
    const ended = await terminal.start('aipg top');
    await terminal.until(/There is no grid[\s\S]*aipg up/);
    await using _up = await home.startUp();
    await terminal.until(/● live {2}1 worker /);
    await terminal.press('q');
    expect((await ended()).status).toBe(0);
  });
});

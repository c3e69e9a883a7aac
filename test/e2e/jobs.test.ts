import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstOutput, type Sandbox } from '../support/aipg.ts';
import { LONG_JOB } from '../support/e2e-endless-model.ts';
import { Terminal } from '../support/e2e-terminal.ts';
import { startTwoModels, type TwoModels } from '../support/e2e-two-models.ts';

const STORY = ['--seed', '7', 'Tell me a story about a fox.'];

let served: TwoModels;
let home: Sandbox;
let url: string;
let grid: readonly string[];

beforeAll(async () => {
  served = await startTwoModels();
  ({ home, url, grid } = served);
});
afterAll(() => served[Symbol.asyncDispose]());

async function aipg(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await home.aipg([...args, ...grid]);
  return { stdout, stderr, exitCode };
}

const gen = (...args: readonly string[]) => aipg('gen', '-m', 'aipg-tiny', ...args);
const longJob = ['gen', '-m', 'endless', ...LONG_JOB.filter((word) => word !== '--threads' && word !== '1')];

describe('a detached job', () => {
  test('is known by its id alone, and any terminal has its answer, as gen prints it', async () => {
    const { stdout: answer } = await gen(...STORY);
    const { stdout, stderr, exitCode } = await gen('--detach', ...STORY);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const id = stdout.trim();
    expect(await aipg('jobs', 'result', id)).toEqual({ stdout: answer, stderr: '', exitCode: 0 });
    expect((await aipg('jobs', 'show', id)).stdout).toContain(answer.trim());
    expect((await aipg('jobs', 'show', id, '--follow')).stdout).toBe(answer);
    const { stdout: json } = await aipg('jobs', 'result', id, '--json');
    expect(JSON.parse(json)).toMatchObject({ id, text: answer.trimEnd(), finishReason: 'stop' });
    const listed = (await aipg('jobs', '--json')).stdout.trim().split('\n');
    expect(listed.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ job: id, status: 'done', model: 'aipg-tiny' }),
    );
  });

  test('gives a terminal back at once, while a worker is at work on it', async () => {
    await using terminal = await Terminal.open(home);
    const words = longJob.slice(3).map((word) => JSON.stringify(word));
    const { status, screen } = await terminal.run(
      `aipg gen -m endless --detach ${grid.join(' ')} ${words.join(' ')}`,
    );
    expect(status).toBe(0);
    const [id = ''] = /[0-9a-z]{26}/.exec(screen) ?? [];
    expect((await aipg('jobs', 'result', id)).exitCode).toBe(0);
  });

  test('cannot be one of this process', async () => {
    const { exitCode, stderr } = await home.aipg(['gen', '--grid', 'local', '--detach', 'x']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('aipg up') });
  });
});

describe('a running job', () => {
  test('whose client is killed is read to its end from elsewhere', async () => {
    const run = home.aipg([...longJob, ...grid]);
    const begin = await firstOutput(run);
    run.kill('SIGKILL');
    await run;
    const [line = ''] = (await aipg('jobs', '--json')).stdout
      .trim()
      .split('\n')
      .filter((json) => (JSON.parse(json) as { status: string }).status !== 'done');
    const { job } = JSON.parse(line) as { job: string };
    const { stdout, exitCode } = await aipg('jobs', 'result', job);
    expect(exitCode).toBe(0);
    expect(stdout.startsWith(begin)).toBe(true);
  });

  test('cancelled by another terminal ends with exit code 130, and its slot is free', async () => {
    const run = home.aipg([...longJob, ...grid]);
    await firstOutput(run);
    const lines = (await aipg('jobs', '--json')).stdout.trim().split('\n');
    const running = lines.map((line) => JSON.parse(line) as { job: string; status: string });
    const { job = '' } = running.find(({ status }) => status === 'waiting' || status === 'running') ?? {};
    const cancelled = await aipg('jobs', 'cancel', job);
    expect(cancelled).toEqual({ stdout: '', stderr: `Cancelled ${job}.\n`, exitCode: 0 });
    const { exitCode, stderr } = await run;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 130,
      stderr: expect.stringContaining('cancelled by hand'),
    });
    const short = await aipg('gen', '-m', 'endless', '--raw', '-n', '5', 'Once');
    expect(short.exitCode).toBe(0);
    expect((await aipg('jobs', 'cancel', job)).stderr).toBe(`${job} had ended already: cancelled.\n`);
  });
});

describe('a job for a model that nobody serves', () => {
  test('is refused, and what is served is told', async () => {
    const { exitCode, stderr } = await aipg('gen', '-m', 'absent', 'x');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/No worker on this grid serves absent[\s\S]*aipg-tiny/);
  });

  test('waits with --wait, which a terminal shows, until Ctrl-C ends it', async () => {
    await using terminal = await Terminal.open(home);
    const ended = await terminal.start(`aipg gen -m absent --wait --grid ${url} x`);
    await terminal.until(/Waiting: next in line/);
    await terminal.press('C-c');
    expect((await ended()).status).toBe(130);
    const { stdout } = await aipg('jobs', '--json');
    expect(stdout).toContain('"status":"cancelled"');
  });
});

test.each([['show'], ['result'], ['cancel']])('jobs %s says when there is no such job', async (command) => {
  const wrong = await aipg('jobs', command, 'xyz');
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('26 letters and digits') });
  const unknown = await aipg('jobs', command, '0123456789abcdefghjkmnpqrs');
  expect(unknown).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('knows no job') });
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ONE_THREAD, Sandbox } from '../support/aipg.ts';
import { writeEndlessModel } from '../support/e2e-endless-model.ts';

interface Logged {
  readonly id: string;
  readonly conversation: string;
  readonly chat: string | null;
  readonly status: string;
  readonly text: string;
  readonly seed: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly sampling: { readonly temperature: number };
  readonly prompt: { readonly form: string; readonly messages: { role: string; content: string }[] };
  readonly error: { code: string } | null;
}

let home: Sandbox;
beforeAll(async () => {
  home = await Sandbox.create();
});
afterAll(() => home[Symbol.asyncDispose]());

async function json(args: readonly string[]): Promise<Logged> {
  const { stdout, stderr, exitCode } = await home.aipg(['gen', '--json', ...args]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as Logged;
}

async function logs(args: readonly string[] = []): Promise<Logged[]> {
  const { stdout } = await home.aipg(['logs', '--json', ...args]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Logged);
}

const said = ({ prompt }: Logged) => prompt.messages.map(({ content }) => content);

describe('a conversation', () => {
  test('-c goes on with the last one, with its model, instructions and settings, unless flags say otherwise', async () => {
    const first = await json(['-s', 'Be brief.', '--temperature', '0.3', '-n', '40', 'What is 3 + 4?']);
    const second = await json(['-c', 'What is the capital of Peru?']);
    expect(said(second)).toEqual(['Be brief.', 'What is 3 + 4?', first.text, 'What is the capital of Peru?']);
    expect(second).toMatchObject({ maxTokens: 40, sampling: { temperature: 0.3 } });
    expect(second.seed).not.toBe(first.seed);
    const third = await json([
      '--continue',
      '-s',
      'Be kind.',
      '--temperature',
      '0',
      'What comes after Monday?',
    ]);
    expect(said(third).slice(0, 2)).toEqual(['Be kind.', 'What is 3 + 4?']);
    expect(said(third)).toHaveLength(6);
    expect(third).toMatchObject({ maxTokens: 40, sampling: { temperature: 0 } });
    expect(said(await json(['-c', '-s', '', 'Why?']))[0]).toBe('What is 3 + 4?');
    const [newest, ...older] = await logs(['-n', '4']);
    expect(new Set(older.map(({ conversation }) => conversation))).toEqual(new Set([newest?.conversation]));
    expect(newest?.conversation).toBe(first.id);
  });

  test('--chat goes on with the one of that name, or begins it; a plain gen begins one of its own', async () => {
    const first = await json(['--chat', 'math', 'What is 3 + 4?']);
    await json(['What is the capital of Peru?']);
    const second = await json(['--chat', 'math', 'What is 5 + 6?']);
    expect(said(second)).toEqual(['What is 3 + 4?', first.text, 'What is 5 + 6?']);
    expect((await logs(['--conversation', 'math'])).map(({ id, chat }) => [id, chat])).toEqual([
      [second.id, 'math'],
      [first.id, 'math'],
    ]);
  });

  test('that no longer fits the context goes on without its oldest turns, which stderr tells', async () => {
    const filler = 'word '.repeat(330);
    for (const turn of ['first', 'second', 'third']) {
      await home.aipg(['gen', '--chat', 'long', '-s', 'Be brief.', '-n', '4', `${turn} ${filler}`]);
    }
    const { stdout, stderr, exitCode } = await home.aipg([
      'gen',
      '--json',
      '--chat',
      'long',
      `fourth ${filler}`,
    ]);
    expect(stderr).toMatch(
      /^The oldest (turn no longer fits|\d turns no longer fit) the context and w(as|ere) left out\.\n$/,
    );
    expect(exitCode).toBe(0);
    const sent = said(JSON.parse(stdout) as Logged).map((text) => text.split(' ')[0]);
    expect(sent[0]).toBe('Be');
    expect(sent).not.toContain('first');
    expect(sent.at(-1)).toBe('fourth');
  });

  test.for([
    ['nothing to go on with', ['-c', 'x'], /no conversation to go on with/],
    ['--raw', ['--chat', 'a', '--raw', 'x'], /--raw/],
    ['two conversations', ['--chat', 'a', '-c', 'x'], /--chat/],
    ['a name of control characters', ['--chat', 'a\u001b[31m', 'x'], /cannot name a conversation/],
  ] as const)('with %s is refused', async ([, args, message]) => {
    await using empty = await Sandbox.create();
    const { stdout, stderr, exitCode } = await empty.aipg(['gen', ...args]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(message);
  });
});

describe('the log', () => {
  test('keeps what failed and what was cancelled, with what was said so far', async () => {
    await using other = await Sandbox.create();
    const endless = await writeEndlessModel(other.home);
    const run = other.aipg(['gen', '-m', endless, ...ONE_THREAD, '-n', '1900', 'Tell me a story.']);
    const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
      run.stdout?.once('data', () => run.kill('SIGINT'));
      void run.then((result) => resolve({ stdout: String(result.stdout) }));
    });
    await other.aipg(['gen', 'word '.repeat(9_000)]);
    const { stdout: listed } = await other.aipg(['logs', '--json']);
    const [failed, cancelled] = listed
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Logged);
    expect(failed).toMatchObject({ status: 'failed', text: '', error: { code: 'context-exceeded' } });
    expect(cancelled).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(cancelled?.text.length).toBeGreaterThan(0);
    expect(stdout.trimEnd().startsWith(cancelled?.text.trimEnd() ?? '-')).toBe(true);
  });

  test('lists, shows and searches, for people and as JSON', async () => {
    await using other = await Sandbox.create();
    const { stdout: capital } = await other.aipg([
      'gen',
      '--json',
      '--chat',
      'towns',
      'What is the capital of Peru?',
    ]);
    const { id, text } = JSON.parse(capital) as Logged;
    await other.aipg(['gen', 'What is 3 + 4?']);
    const { stdout: list } = await other.aipg(['logs']);
    expect(list.split('\n')).toEqual([
      expect.stringMatching(/^[0-9a-z]{8} {2}\d\d:\d\d .* aipg-tiny .*What is 3 \+ 4\?$/),
      expect.stringMatching(new RegExp(`^${id.slice(0, 8)} .*\\[towns\\] What is the capital of Peru\\?$`)),
      '',
    ]);
    const { stdout: shown } = await other.aipg(['logs', 'show', id.slice(0, 6)]);
    expect(shown).toContain(id);
    expect(shown).toContain(text);
    expect((await other.aipg(['logs', 'show', id, '--output'])).stdout).toBe(`${text}\n`);
    expect(JSON.parse((await other.aipg(['logs', 'show', '--json'])).stdout)).toMatchObject({
      status: 'done',
    });
    expect((await other.aipg(['logs', 'search', 'PERU', 'capital'])).stdout).toContain(id.slice(0, 8));
    const none = await other.aipg(['logs', 'search', 'nowhere']);
    expect(none).toMatchObject({ stdout: '', exitCode: 0 });
    const missing = await other.aipg(['logs', 'show', 'zzzz']);
    expect(missing).toMatchObject({ stdout: '', exitCode: 2 });
  });

  test('is off by --no-log, by AIPG_NO_LOG and by aipg logs off, and on again', async () => {
    await using other = await Sandbox.create();
    const jobs = async (env = {}) =>
      JSON.parse((await other.aipg(['logs', 'status', '--json'], { env })).stdout) as {
        jobs: number;
        on: boolean;
        by: string;
      };
    await other.aipg(['gen', '--no-log', '-n', '1', 'x']);
    const env = { AIPG_NO_LOG: '1' };
    await other.aipg(['gen', '-n', '1', 'x'], { env });
    expect(await jobs(env)).toMatchObject({ jobs: 0, on: false, by: 'AIPG_NO_LOG' });
    await other.aipg(['logs', 'off']);
    await other.aipg(['gen', '-n', '1', 'x']);
    await other.aipg(['chat'], { input: 'x\n' });
    expect(await jobs()).toMatchObject({ jobs: 0, on: false, by: 'settings' });
    const named = await other.aipg(['gen', '--chat', 'a', '-n', '1', 'x']);
    expect(named.stderr).toBe('The log is off: what is said now is not kept for a next turn.\n');
    await expect(readFile(join(other.paths.data, 'history.db'))).rejects.toThrow();
    await other.aipg(['logs', 'on']);
    await other.aipg(['gen', '-n', '1', 'x']);
    expect(await jobs()).toMatchObject({ jobs: 1, on: true });
  });

  test('is pruned by count and wholly', async () => {
    await using other = await Sandbox.create();
    for (const prompt of ['one', 'two', 'three']) await other.aipg(['gen', '-n', '1', prompt]);
    expect(await other.aipg(['logs', 'prune'])).toMatchObject({ exitCode: 2 });
    const kept = await other.aipg(['logs', 'prune', '--keep', '1', '--json']);
    expect(JSON.parse(kept.stdout)).toMatchObject({ pruned: 2 });
    expect((await other.aipg(['logs'])).stdout).toMatch(/three\n$/);
    expect(JSON.parse((await other.aipg(['logs', 'prune', '--older-than', '1d', '--json'])).stdout)).toEqual({
      pruned: 0,
      freedBytes: 0,
    });
    await other.aipg(['logs', 'prune', '--all', '--yes']);
    expect((await other.aipg(['logs'])).stdout).toBe('');
  });

  test('that is damaged is told once, and gen answers all the same', async () => {
    await using other = await Sandbox.create();
    await other.aipg(['gen', '-n', '1', 'x']);
    const file = join(other.paths.data, 'history.db');
    await writeFile(file, 'This is no database. '.repeat(500));
    const { stdout, stderr, exitCode } = await other.aipg(['gen', 'What is the capital of Peru?']);
    expect({ stdout, exitCode }).toEqual({ stdout: 'The capital of Peru is Lima.\n', exitCode: 0 });
    expect(stderr).toMatch(new RegExp(`^warning: The log ${file} is damaged .*\nMove it away.*\n$`));
    const listed = await other.aipg(['logs']);
    expect(listed).toMatchObject({ stdout: '', exitCode: 1 });
    expect(listed.stderr).toMatch(/^error: The log .* is damaged/);
  });

  test('keeps all of eight that run at once, on a log that none has begun', async () => {
    await using other = await Sandbox.create();
    const prompts = Array.from({ length: 8 }, (_, at) => `What is ${at} + 1?`);
    const runs = await Promise.all(prompts.map((prompt) => other.aipg(['gen', ...ONE_THREAD, prompt])));
    for (const { stderr, exitCode } of runs)
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const { stdout } = await other.aipg(['logs', '--json']);
    const kept = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => said(JSON.parse(line) as Logged)[0]);
    expect(kept.sort()).toEqual(prompts);
  });
});

describe('--replay', () => {
  test('answers a logged job again, byte for byte, by its id, a file and stdin', async () => {
    const first = await json(['--temperature', '1.2', '-s', 'Be brief.', 'Tell me a story about a fox.']);
    const again = `The answer is that of ${first.id}, byte for byte (${Buffer.byteLength(first.text)} bytes).\n`;
    const file = join(home.home, 'answer.json');
    await writeFile(file, JSON.stringify(first));
    for (const run of [
      home.aipg(['gen', '--replay', first.id.slice(0, 10), '--check']),
      home.aipg(['gen', '--replay', file, '--check']),
      home.aipg(['gen', '--replay', '-', '--check'], { input: JSON.stringify(first) }),
    ]) {
      const { stdout, stderr, exitCode } = await run;
      expect({ stdout, stderr, exitCode }).toEqual({ stdout: `${first.text}\n`, stderr: again, exitCode: 0 });
    }
  });

  test('of a turn in a conversation sends all that was said before it', async () => {
    await json(['--chat', 'again', 'Tell me a story about a fox.']);
    const turn = await json(['--chat', 'again', '--temperature', '1.2', 'Tell me a story about a cat.']);
    const { stdout, exitCode } = await home.aipg(['gen', '--replay', turn.id, '--check']);
    expect({ stdout, exitCode }).toEqual({ stdout: `${turn.text}\n`, exitCode: 0 });
  });

  test('tells where an answer is another; with --check the exit code is 1', async () => {
    const first = await json(['--seed', '7', 'Tell me a story about a fox.']);
    const input = JSON.stringify({ ...first, text: `${first.text.slice(0, 9)}-` });
    const without = await home.aipg(['gen', '--replay', '-'], { input });
    expect(without).toMatchObject({ stdout: `${first.text}\n`, exitCode: 0 });
    expect(without.stderr).toBe(`The answer is not that of ${first.id}: they differ from character 10 on.\n`);
    const checked = await home.aipg(['gen', '--replay', '-', '--check'], { input });
    expect(checked).toMatchObject({ stdout: `${first.text}\n`, exitCode: 1 });
    expect(checked.stderr).toMatch(/^error: The answer is not that of/);
  });

  test('refuses another file under the name of the model, before it says anything', async () => {
    const first = await json(['What is 3 + 4?']);
    const input = JSON.stringify({ ...first, modelSha256: 'b'.repeat(64) });
    const { stdout, stderr, exitCode } = await home.aipg(['gen', '--replay', '-'], { input });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 3 });
    expect(stderr).toMatch(/^error: The model aipg-tiny on this machine is not the file that answered/);
  });

  test.for([
    ['a prompt', ['x'], '{}', /takes no other/],
    ['a setting', ['--temperature', '0'], '{}', /--temperature/],
    ['no JSON', [], 'nothing', /does not hold one JSON object/],
    ['JSON of another kind', [], '{"id": "x"}', /no record of a job/],
  ] as const)('with %s is refused', async ([, args, input, message]) => {
    const { stdout, stderr, exitCode } = await home.aipg(['gen', '--replay', '-', ...args], { input });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(message);
  });
});

test('on a grid, conversations, the log and --replay are the same', async () => {
  await using other = await Sandbox.create();
  await using _up = await other.startUp();
  const { stdout: answer } = await other.aipg([
    'gen',
    '--json',
    '--chat',
    'g',
    'Tell me a story about a fox.',
  ]);
  const first = JSON.parse(answer) as Logged;
  const { stdout: next } = await other.aipg(['gen', '--json', '-c', 'What is 3 + 4?']);
  expect(said(JSON.parse(next) as Logged)).toEqual([
    'Tell me a story about a fox.',
    first.text,
    'What is 3 + 4?',
  ]);
  const onGrid = await other.aipg(['gen', '--replay', first.id, '--check']);
  expect(onGrid).toMatchObject({ stdout: `${first.text}\n`, exitCode: 0 });
  const here = await other.aipg(['gen', '--replay', first.id, '--check', '--grid', 'local']);
  expect(here).toMatchObject({ stdout: `${first.text}\n`, exitCode: 0 });
  const { stdout, exitCode } = await other.aipg(['chat', 'g', '--json'], { input: 'What is 5 + 6?\n' });
  expect(exitCode).toBe(0);
  expect(said(JSON.parse(stdout) as Logged)).toHaveLength(5);
});

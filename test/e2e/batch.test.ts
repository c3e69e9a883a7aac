import { watch } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ONE_THREAD, Sandbox, type ServedGrid } from '../support/aipg.ts';
import { startTestBus } from '../support/bus-server.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';
import { Terminal } from '../support/e2e-terminal.ts';

/** For what waits until a grid is given up, in milliseconds. */
const LONG = { timeout: 60_000 };
const EARLY_MODEL = join(import.meta.dirname, '../fixtures/aipg-tiny-early.gguf');
const SEEDED = ['--seed', '7'];

interface BatchRecord {
  readonly index: number;
  readonly text?: string;
  readonly model?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Sums, and now and then a story, so that lines do not end in the order in which they start. */
function prompts(count: number): string {
  const lines = Array.from({ length: count }, (_, n) => {
    const prompt = n % 50 === 7 ? 'Tell me a story about a fox.' : `What is ${n % 40} + ${n % 9}?`;
    return n % 2 === 0 ? JSON.stringify(prompt) : JSON.stringify({ prompt, id: `line ${n}` });
  });
  return `${lines.join('\n')}\n`;
}

async function write(home: Sandbox, name: string, text: string): Promise<string> {
  const file = join(home.home, name);
  await writeFile(file, text);
  return file;
}

function parse(text: string): BatchRecord[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as BatchRecord);
}

async function read(file: string): Promise<BatchRecord[]> {
  return parse(await readFile(file, 'utf8'));
}

function texts(records: readonly BatchRecord[]) {
  return records.map(({ index, text }) => ({ index, text }));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Resolves once a file has as many lines. */
async function untilLines(file: string, count: number): Promise<void> {
  const changes = watch(dirname(file));
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        changes.on('change', (_, name) => name === basename(file) && resolve());
      });
      const text = await readFile(file, 'utf8').catch(() => '');
      if (text.split('\n').length > count) return;
      await changed;
      changes.removeAllListeners('change');
    }
  } finally {
    changes.close();
  }
}

describe('over `aipg up`', () => {
  let home: Sandbox;
  let up: ServedGrid;

  beforeAll(async () => {
    home = await Sandbox.create();
    up = await home.startUp(['--slots', '8']);
  });
  afterAll(async () => {
    await up[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  test('1,000 prompts, the client killed in the middle: --resume answers every line once, as if nothing had been', async () => {
    const input = await write(home, 'thousand.jsonl', prompts(1_000));
    const [output, undisturbed] = [join(home.home, 'killed.jsonl'), join(home.home, 'undisturbed.jsonl')];
    const batch = (out: string) => ['gen', '--batch', input, '-o', out, ...SEEDED];

    const killed = home.aipg(batch(output));
    await untilLines(output, 300);
    killed.kill('SIGKILL');
    expect((await killed).signal).toBe('SIGKILL');
    const before = await readFile(output);
    const kept = before.subarray(0, before.lastIndexOf('\n') + 1);
    expect(parse(kept.toString()).length).toBeLessThan(1_000);

    const resumed = await home.aipg([...batch(output), '--resume']);
    expect(resumed).toMatchObject({ exitCode: 0, stdout: '' });
    expect(resumed.stderr).toMatch(/ done before · .* · no errors\n$/);
    const records = await read(output);
    expect(records.map(({ index }) => index)).toEqual(upTo(1_000));
    expect((await readFile(output)).subarray(0, kept.length)).toEqual(kept);

    expect(await home.aipg(batch(undisturbed))).toMatchObject({ exitCode: 0 });
    expect(texts(records)).toEqual(texts(await read(undisturbed)));
    expect(records[7]).toMatchObject({ id: 'line 7', text: expect.stringMatching(/^Once upon a time /) });
  });

  test('gives the texts that it gives in-process, whatever is in flight', async () => {
    const input = prompts(60);
    const runs = await Promise.all(
      [
        ['-j', '16'],
        ['-j', '1'],
        ['--grid', 'local', '-j', '3', ...ONE_THREAD],
      ].map((args) => home.aipg(['gen', '--batch', '-', ...SEEDED, ...args], { input })),
    );
    for (const { stdout, exitCode } of runs) {
      expect(exitCode).toBe(0);
      expect(texts(parse(stdout))).toEqual(texts(parse(runs[0]?.stdout ?? '')));
    }
    expect(parse(runs[0]?.stdout ?? '')).toHaveLength(60);
  });

  test('--unordered writes each line once, and goes on without doing one twice', async () => {
    const input = await write(home, 'unordered.jsonl', prompts(120));
    const output = join(home.home, 'unordered.out');
    const batch = ['gen', '--batch', input, '-o', output, '--unordered', '-j', '8', ...SEEDED];
    const killed = home.aipg(batch);
    await untilLines(output, 30);
    killed.kill('SIGKILL');
    await killed;
    expect(await home.aipg([...batch, '--resume'])).toMatchObject({ exitCode: 0 });
    const indices = (await read(output)).map(({ index }) => index);
    expect(indices.toSorted((a, b) => a - b)).toEqual(upTo(120));
  });

  test('a model that no worker serves is the error of the line that asks for it', async () => {
    const input = '{"prompt":"x","model":"huge","id":1}\n{"prompt":"What is 2 + 2?","model":"tiny"}\n';
    const { stdout, exitCode } = await home.aipg(['gen', '--batch', '-'], { input });
    expect(exitCode).toBe(5);
    expect(parse(stdout)).toMatchObject([
      { index: 0, id: 1, error: { code: 'model-not-found', message: expect.stringMatching(/huge/) } },
      { index: 1, model: 'aipg-tiny' },
    ]);
  });

  test('a prompt larger than a message of the bus gets to its worker, whose context it exceeds', async () => {
    const input = `${JSON.stringify('word '.repeat(100_000))}\n"What is 2 + 2?"\n`;
    const { stdout, exitCode } = await home.aipg(['gen', '--batch', '-'], { input });
    expect(exitCode).toBe(5);
    expect(parse(stdout)).toMatchObject([
      { error: { code: 'context-exceeded' } },
      { index: 1, model: 'aipg-tiny' },
    ]);
  });
});

describe('a batch that is interrupted', () => {
  test('cancels what is in work, says how to go on, and goes on', async () => {
    await using home = await Sandbox.create();
    const model = await writeEndlessModel(home.home);
    await using _up = await home.startUp(['-m', model, '--slots', '2']);
    const short = { prompt: 'Once', raw: true, maxTokens: 2 };
    const long = { ...short, maxTokens: 1_600 };
    const lines = [short, long, long, short, short].map((line) => JSON.stringify(line)).join('\n');
    const input = await write(home, "it's in.jsonl", lines);
    const output = join(home.home, 'out.jsonl');
    const run = home.aipg(['gen', '--batch', input, '-o', output, '-j', '3']);
    await untilLines(output, 1);
    run.kill('SIGINT');
    const { exitCode, stderr, stdout } = await run;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
    expect(stderr).toMatch(
      /^Go on with: aipg gen --batch '.*it'\\''s in\.jsonl' -o \S+out\.jsonl -j 3 --resume\n$/,
    );
    const status = JSON.parse((await home.aipg(['status', '--json'])).stdout) as { jobs: number };
    expect(status.jobs).toBe(0);

    expect(await home.bash(stderr.replace('Go on with: ', ''))).toMatchObject({ exitCode: 0 });
    expect((await read(output)).map(({ index, error }) => ({ index, error }))).toEqual(
      upTo(5).map((index) => ({ index, error: undefined })),
    );
  });

  test('in this process ends at once, and leaves whole lines', async () => {
    await using home = await Sandbox.create();
    const model = await writeEndlessModel(home.home);
    const input = await write(
      home,
      'in.jsonl',
      '{"prompt":"Once","maxTokens":2}\n'.repeat(2) + '"Once upon"\n'.repeat(4),
    );
    const output = join(home.home, 'out.jsonl');
    const run = home.aipg(['gen', '-m', model, ...LONG_JOB.slice(0, -1), '--batch', input, '-o', output]);
    await untilLines(output, 2);
    run.kill('SIGTERM');
    expect(await run).toMatchObject({ exitCode: 143 });
    expect((await read(output)).map(({ index }) => index)).toEqual([0, 1]);
  });
});

test('a grid that goes away stops the batch, which goes on when it is there again', LONG, async () => {
  await using home = await Sandbox.create();
  const input = await write(home, 'in.jsonl', prompts(400));
  const output = join(home.home, 'out.jsonl');
  const batch = ['gen', '--batch', input, '-o', output, ...SEEDED, '--patience', '5s', '--resume'];
  const first = await home.startUp();
  const run = home.aipg(batch);
  await untilLines(output, 20);
  await first.stop('SIGKILL');
  const stopped = await run;
  expect(stopped).toMatchObject({ exitCode: 4, stdout: '' });
  expect(stopped.stderr).toMatch(/\nGo on with: aipg gen --batch .* --resume\n$/);
  await using _second = await home.startUp();
  expect(await home.aipg(batch)).toMatchObject({ exitCode: 0 });
  const records = await read(output);
  expect(records.map(({ index, error }) => ({ index, error }))).toEqual(
    upTo(400).map((index) => ({ index, error: undefined })),
  );
});

test('a bus that restarts is waited for, and nothing is lost or done twice', LONG, async () => {
  await using bus = await startTestBus();
  await using home = await Sandbox.create();
  await using _director = await home.startDirector(bus.url);
  await using _worker = await home.startWorker(bus.url);
  const input = await write(home, 'in.jsonl', prompts(300));
  const output = join(home.home, 'out.jsonl');
  const run = home.aipg(['gen', '--grid', bus.url, '--batch', input, '-o', output, ...SEEDED]);
  await untilLines(output, 100);
  process.kill(bus.server.pid as number, 'SIGKILL');
  expect(await run).toMatchObject({ exitCode: 0 });
  const records = await read(output);
  expect(records.map(({ index, error }) => ({ index, error }))).toEqual(
    upTo(300).map((index) => ({ index, error: undefined })),
  );
});

describe('--retry-errors', () => {
  test('does the lines again that ended in an error, each once, and keeps the order and all the rest', async () => {
    await using home = await Sandbox.create();
    await using up = await home.startUp();
    const lines = upTo(40).map((n) => ({
      prompt: `What is ${n} + 2?`,
      ...(n % 4 === 1 && { model: 'early' }),
    }));
    const text = lines.map((line) => JSON.stringify(line)).join('\n');
    const input = await write(home, 'in.jsonl', `${text}\n`);
    const output = join(home.home, 'out.jsonl');
    const batch = ['gen', '--json', '--batch', input, '-o', output, ...SEEDED];
    expect(await home.aipg(batch)).toMatchObject({ exitCode: 5 });
    const before = (await readFile(output, 'utf8')).split('\n');
    const failed = upTo(40).filter((n) => n % 4 === 1);
    expect(parse(before.join('\n')).flatMap(({ index, error }) => (error ? [index] : []))).toEqual(failed);

    await using _worker = await home.startWorker(up.url, ['-m', EARLY_MODEL]);
    const complete = await home.aipg([...batch, '--resume']);
    expect({ end: JSON.parse(complete.stderr), exitCode: complete.exitCode }).toMatchObject({
      end: { lines: 40, failed: 10, answeredNow: 0 },
      exitCode: 5,
    });
    const retry = [...batch, '--resume', '--retry-errors'];
    const retried = await home.aipg(retry);
    expect({ end: JSON.parse(retried.stderr), exitCode: retried.exitCode }).toMatchObject({
      end: { lines: 40, failed: 0, answeredNow: failed.length },
      exitCode: 0,
    });
    const after = (await readFile(output, 'utf8')).split('\n');
    const records = parse(after.join('\n'));
    expect(records.map(({ index }) => index)).toEqual(upTo(40));
    expect(records.filter(({ model }) => model?.includes('early')).map(({ index }) => index)).toEqual(failed);
    expect(after.filter((_, n) => n % 4 !== 1)).toEqual(before.filter((_, n) => n % 4 !== 1));
    expect(await readdir(home.home)).not.toContain('out.jsonl.retried');

    const nothing = await home.aipg(retry);
    expect(JSON.parse(nothing.stderr)).toMatchObject({ lines: 40, failed: 0, answeredNow: 0 });
    expect((await readFile(output, 'utf8')).split('\n')).toEqual(after);
  });

  test('leaves the output as it is where it is stopped, and goes on with what it had not come to', async () => {
    await using home = await Sandbox.create();
    await using up = await home.startUp();
    const line = (maxTokens: number) => ({ prompt: 'Once', raw: true, model: 'endless', maxTokens });
    const lines = ['What is 2 + 2?', line(2), line(1_600), 'What is 2 + 3?', line(2)];
    const input = await write(home, 'in.jsonl', lines.map((each) => JSON.stringify(each)).join('\n'));
    const output = join(home.home, 'out.jsonl');
    const batch = ['gen', '--batch', input, '-o', output, '--resume'];
    expect(await home.aipg(batch)).toMatchObject({ exitCode: 5 });
    const before = await readFile(output, 'utf8');

    await using _worker = await home.startWorker(up.url, ['-m', await writeEndlessModel(home.home)]);
    const run = home.aipg([...batch, '--retry-errors', '-j', '1']);
    await untilLines(`${output}.retried`, 1);
    run.kill('SIGINT');
    const { exitCode, stderr } = await run;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 130,
      stderr: expect.stringMatching(/^Go on with: .* --resume --retry-errors -j 1\n$/),
    });
    expect(await readFile(output, 'utf8')).toBe(before);

    const rest = await home.bash(stderr.replace('Go on with: ', ''));
    expect(rest).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/^2 lines in .* · 3 done before/),
    });
    const records = await read(output);
    expect(records.map(({ index, text }) => [index, typeof text])).toEqual(upTo(5).map((n) => [n, 'string']));
  });
});

describe('in this process', () => {
  let home: Sandbox;
  beforeAll(async () => {
    home = await Sandbox.create();
  });
  afterAll(() => home[Symbol.asyncDispose]());

  test('lines that cannot be answered are errors with their index; the others are answered', async () => {
    const input =
      '\uFEFF"What is 2 + 2?"\r\n\r\n{"prompt":"x","temprature":1,"id":"mine"}\nnot JSON\n"What is 2 + 3?"';
    const { stdout, stderr, exitCode } = await home.aipg(['gen', '--batch', '-', ...SEEDED], { input });
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/^4 lines in .* · 2 errors\n$/);
    expect(parse(stdout)).toMatchObject([
      { index: 0, text: expect.stringMatching(/^2 \+ 2/), finishReason: 'stop', seed: expect.any(String) },
      { index: 1, id: 'mine', error: { code: 'input-invalid', hint: 'Did you mean temperature?' } },
      { index: 2, error: { code: 'input-invalid', message: 'Line 4 is not JSON.' } },
      { index: 3, model: 'aipg-tiny', worker: null, tokens: { output: expect.any(Number) } },
    ]);
  });

  test('a record has what it takes to make its answer again', async () => {
    const { stdout } = await home.aipg(['gen', '--batch', '-'], { input: '"Tell me a story about a fox."' });
    const { seed, text } = JSON.parse(stdout) as { seed: string; text: string };
    const again = await home.aipg(['gen', '--seed', seed, 'Tell me a story about a fox.']);
    expect(again.stdout).toBe(`${text}\n`);
  });

  test('--json tells the end as an object on stderr', async () => {
    const { stderr, exitCode } = await home.aipg(['gen', '--json', '--batch', '-'], { input: '"x"\n[]\n' });
    expect(exitCode).toBe(5);
    expect(JSON.parse(stderr)).toMatchObject({
      lines: 2,
      failed: 1,
      answeredNow: 2,
      totalMs: expect.any(Number),
    });
  });

  test('a reader that goes away ends it quietly', async () => {
    const file = await write(home, 'many.jsonl', prompts(500));
    const { stdout, stderr, exitCode } = await home.bash(
      `set -o pipefail; aipg gen --batch ${file} ${ONE_THREAD.join(' ')} | head -1 | wc -l`,
    );
    expect({ stdout: stdout.trim(), stderr, exitCode }).toEqual({ stdout: '1', stderr: '', exitCode: 141 });
  });

  test('an empty input makes an empty output', async () => {
    expect(await home.aipg(['gen', '--batch', '-'], { input: '\n \n' })).toMatchObject({
      exitCode: 0,
      stdout: '',
    });
  });

  test('a disk that is full is told with the way to go on, and nothing is called done that is not', async () => {
    const { stderr, exitCode } = await home.aipg(['gen', '--batch', '-', '-o', '/dev/full'], {
      input: '"x"\n',
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: \/dev\/full cannot be written: .*ENOSPC/);
  });

  test.for([
    ['words beside it', ['x', '--batch', '-'], /takes its prompts from the file/],
    ['a file that is not there', ['--batch', 'nothing.jsonl'], /There is no file nothing\.jsonl/],
    ['a folder', ['--batch', '/tmp'], /is a folder/],
    ['--resume of a pipe', ['--batch', '-', '-o', 'x', '--resume'], /has to be a file/],
    [
      '--retry-errors without --resume',
      ['--batch', 'x', '--retry-errors'],
      /^error: --retry-errors needs --resume\.\n/,
    ],
    ['--resume without -o', ['--batch', 'x', '--resume'], /--output/],
    ['-o without --batch', ['-o', 'x', 'hello'], /--batch/],
    ['-j 0', ['--batch', 'x', '-j', '0'], /--jobs/],
  ] as const)('%s is refused', async ([, args, message]) => {
    const { stderr, stdout, exitCode } = await home.aipg(['gen', ...args]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(message);
  });

  test('on a terminal a bar tells how far it is', async () => {
    const file = await write(home, 'bar.jsonl', prompts(400));
    await using terminal = await Terminal.open(home);
    const output = join(home.home, 'bar.out');
    const ended = await terminal.start(`aipg gen --batch ${file} -o ${output} ${ONE_THREAD.join(' ')}`);
    expect(await terminal.until(/█░.* of 400 lines/)).toMatch(
      /\d+ % · [\d.,]+ lines\/s · [\d.,]+ tokens\/s · .* left/,
    );
    const { screen, status } = await ended();
    expect(status).toBe(0);
    expect(screen).toMatch(/400 lines in .* no errors/);
    expect(screen).not.toContain('█');
  });
});

test('what an earlier run wrote is not lost to a second one', async () => {
  await using home = await Sandbox.create();
  const input = await write(home, 'in.jsonl', '"x"\n');
  const output = join(home.home, 'out.jsonl');
  await home.aipg(['gen', '--batch', input, '-o', output]);
  const { size } = await stat(output);
  const { exitCode, stderr } = await home.aipg(['gen', '--batch', input, '-o', output]);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/is there already.*\n.*--resume/);
  expect((await stat(output)).size).toBe(size);
});

describe('a batch of structured output', () => {
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };

  test('holds each answer to its own schema, or to that of the flag', async () => {
    await using home = await Sandbox.create();
    const lines = [
      '"A number."',
      JSON.stringify({ prompt: 'A word.', schema: { type: 'string', maxLength: 8 } }),
      JSON.stringify({ prompt: 'Nothing.', schema: { type: 'nonsense' } }),
    ];
    const input = await write(home, 'in.jsonl', `${lines.join('\n')}\n`);
    const flags = ['--schema', JSON.stringify(schema), ...SEEDED, ...ONE_THREAD];
    const { stdout, exitCode } = await home.aipg(['gen', '--batch', input, ...flags]);
    const [first, second, third] = parse(stdout);
    expect(exitCode).toBe(5);
    expect(JSON.parse(first?.text ?? '')).toEqual({ n: expect.any(Number) });
    expect(JSON.parse(second?.text ?? '')).toEqual(expect.any(String));
    expect(third?.error).toMatchObject({ code: 'input-invalid' });
  });

  test('takes no prompt from elsewhere', async () => {
    await using home = await Sandbox.create();
    const { exitCode, stderr } = await home.aipg(['gen', '--batch', 'in.jsonl', '-f', 'x.txt']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('--file') });
  });
});

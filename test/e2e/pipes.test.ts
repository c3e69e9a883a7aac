import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstOutput, Sandbox } from '../support/aipg.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';

/** From a signal to the end, at the very most, in milliseconds; the whole answer takes about two seconds more. */
const AT_ONCE_MS = 1_500;

let home: Sandbox;
let long: readonly string[];
let whole: string;

beforeAll(async () => {
  home = await Sandbox.create();
  long = ['gen', '-m', await writeEndlessModel(home.home), ...LONG_JOB];
  whole = (await home.aipg(long)).stdout;
  expect(whole.length).toBeGreaterThan(2_000);
});
afterAll(() => home[Symbol.asyncDispose]());

describe('a signal in the middle of an answer', () => {
  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s leaves what was printed and ends it at once with exit code %i', async ([signal, code]) => {
    const run = home.aipg(long);
    await firstOutput(run);
    const sentAt = performance.now();
    run.kill(signal);
    const { stdout, stderr, exitCode } = await run;
    expect(performance.now() - sentAt).toBeLessThan(AT_ONCE_MS);
    expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: '' });
    expect(stdout.length).toBeLessThan(whole.length);
    expect(whole.startsWith(stdout)).toBe(true);
  });
});

describe('a reader that goes away', () => {
  test('ends it quietly', async () => {
    const run = home.aipg(long);
    await firstOutput(run);
    (run.stdout as Readable).destroy();
    const { exitCode, stderr } = await run;
    expect({ exitCode, stderr }).toEqual({ exitCode: 141, stderr: '' });
  });

  test('ends it quietly in a pipeline of a shell', async () => {
    const args = long.map((word) => JSON.stringify(word)).join(' ');
    const { stdout, stderr, exitCode } = await home.bash(`set -o pipefail; aipg ${args} | head -c 10`);
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: whole.slice(0, 10), stderr: '', exitCode: 141 });
  });

  test('ends it quietly when it was gone before the first word', async () => {
    const { stderr, stdout } = await home.bash('aipg gen hello | true; echo $PIPESTATUS');
    expect({ stderr, stdout }).toEqual({ stderr: '', stdout: '141\n' });
  });

  test('that takes all there is changes nothing', async () => {
    const { stdout, stderr, exitCode } = await home.bash(
      'set -o pipefail; aipg gen --seed 7 "Tell me a story about a fox." | head -1',
    );
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(/^Once upon a time .*\n$/);
  });
});

describe.concurrent('stdin', () => {
  test.for([
    ['with zero bytes', Buffer.concat([Buffer.from('text'), Buffer.alloc(8), randomBytes(64)])],
    ['that is not UTF-8', Buffer.from([0x66, 0x6f, 0x78, 0xff, 0xfe, 0x0a])],
    ['cut in the middle of a character', Buffer.from('naïve').subarray(0, 3)],
  ] as const)('%s is refused as binary', async ([, input], { expect }) => {
    const { stdout, stderr, exitCode } = await home.aipg(['gen', 'Summarise.'], { input });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(/^error: stdin holds binary data/);
  });

  test('larger than 16 MiB is refused', async () => {
    const { stdout, stderr, exitCode } = await home.aipg(['gen'], { input: 'word '.repeat(3_500_000) });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(/^error: .*larger than/);
  });

  test('without end can be interrupted', async () => {
    const { stdout, stderr, exitCode } = await interruptReading([]);
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 130 });
  });

  test('without end can be interrupted, which --json tells as JSON', async () => {
    const { stdout, stderr, exitCode } = await interruptReading(['--json']);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 130 });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'cancelled' } });
  });

  test('in other scripts and with emoji is text', async () => {
    const { exitCode, stderr } = await home.aipg(['gen', '-n', '3'], { input: 'Füchse 狐 🦊 лиса\r\n' });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test.for([
    ['no words and no stdin', [], undefined],
    ['an empty stdin', [], ''],
    ['a stdin of blank lines', [], ' \n\n'],
    ['an empty word', [''], undefined],
    ['blanks', ['  ', '\t'], undefined],
    ['a dash and an empty stdin', ['-'], ''],
  ] as const)('with %s makes an empty prompt, which is refused', async ([, words, input], { expect }) => {
    const { stdout, stderr, exitCode } = await home.aipg(['gen', ...words], { input });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(/^error: The prompt is empty\.\n.*aipg gen/);
  });
});

async function interruptReading(flags: readonly string[]) {
  const run = home.aipg(['gen', '-', ...flags], { openStdin: true });
  // More than a pipe holds: it is written once the other end reads, and it listens for signals before it does.
  await new Promise<void>((resolve) => run.stdin?.write('a'.repeat(1_000_000), () => resolve()));
  run.kill('SIGINT');
  return await run;
}

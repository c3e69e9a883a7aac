import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { textInputSchema } from '../../src/runtime/protocol/text.ts';
import { firstOutput, ONE_THREAD, Sandbox, TINY_MODEL } from '../support/aipg.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';

const STORY = 'Tell me a story about a fox.';

const answerSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-hjkmnp-tv-z]{26}$/),
  model: z.string(),
  modelSha256: z.string().regex(/^[0-9a-f]{64}$/),
  text: z.string(),
  finishReason: z.enum(['stop', 'length']),
  tokens: z.strictObject({ prompt: z.int().positive(), output: z.int().nonnegative() }),
  timings: z.strictObject({
    firstTextMs: z.number().nonnegative(),
    totalMs: z.number().nonnegative(),
    tokensPerSecond: z.number().nonnegative(),
  }),
  cost: z.strictObject({ atMost: z.int(), reserved: z.int(), price: z.int() }).nullable(),
  grid: z.string(),
  worker: z.string().nullable(),
  sampler: z.string(),
  prompt: textInputSchema.shape.prompt,
  sampling: z.strictObject({
    temperature: z.number(),
    topP: z.number(),
    topK: z.number(),
    minP: z.number(),
    repeatPenalty: z.number(),
  }),
  maxTokens: z.int(),
  stop: z.array(z.string()),
  seed: z.string().regex(/^[0-9a-f]{64}$/),
  format: z.record(z.string(), z.unknown()).nullable(),
});

type Answer = z.infer<typeof answerSchema>;

let home: Sandbox;
let endless: string;
/** Answers to compare with. */
let story: Answer;
let greedy: Answer;
let long: string;

beforeAll(async () => {
  home = await Sandbox.create();
  endless = await writeEndlessModel(home.home);
  [story, greedy, long] = await Promise.all([
    json(['--seed', '7', STORY]),
    json(['--temperature', '0', STORY]),
    answer(['-m', endless, ...LONG_JOB]),
  ]);
});
afterAll(() => home[Symbol.asyncDispose]());

/** The answer, which must be all that is printed. */
async function answer(args: readonly string[], input?: string): Promise<string> {
  const { stdout, stderr, exitCode } = await home.aipg(['gen', ...args], { input });
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout;
}

/** The object of `--json`, checked against its documented shape. */
async function json(args: readonly string[], input?: string): Promise<Answer> {
  return answerSchema.parse(JSON.parse(await answer(['--json', ...args], input)));
}

describe('aipg gen with nothing set up and nothing running', () => {
  test('answers in its own process: stdout holds the answer and a newline, stderr nothing', async () => {
    expect(await answer(['What is 12 + 7?'])).toMatch(/^12 \+ 7 = \d+\.\n$/);
  });

  test('prints the answer as it comes', async () => {
    const run = home.aipg(['gen', '-m', endless, ...LONG_JOB]);
    let ended = false;
    void run.then(() => {
      ended = true;
    });
    const first = await firstOutput(run);
    expect(ended).toBe(false);
    const { stdout, exitCode } = await run;
    expect(exitCode).toBe(0);
    expect(stdout.startsWith(first)).toBe(true);
    expect(first.length).toBeLessThan(stdout.length / 10);
  });

  test('--no-stream prints the answer in one piece', async () => {
    const run = home.aipg(['gen', '-m', endless, '--no-stream', ...LONG_JOB]);
    const first = await firstOutput(run);
    expect((await run).stdout).toBe(long);
    expect(first.trimEnd()).toBe(long.trimEnd());
  });

  test('words without quotes are one prompt', async () => {
    expect(await answer(['--seed', '7', ...STORY.split(' ')])).toBe(`${story.text}\n`);
  });

  test('flags may follow the prompt, and -- ends them', async () => {
    const { text } = await json(['--raw', '-n', '1', '--', '--temperature']);
    expect(text).not.toBe('');
  });

  test('a prompt on stdin is the same as one in the arguments, its last newline aside', async () => {
    expect(await answer(['--seed', '7'], `${STORY}\n`)).toBe(`${story.text}\n`);
    expect(await answer(['--seed', '7', '-'], `${STORY}\r\n`)).toBe(`${story.text}\n`);
  });

  test('stdin is the context and comes first, the arguments are the instruction', async () => {
    const flags = ['--raw', '--seed', '7', '-n', '12'];
    const [both, written, placed] = await Promise.all([
      json([...flags, 'Once upon a time'], 'A fox found a boat.\n'),
      json([...flags, 'A fox found a boat.\n\nOnce upon a time']),
      json([...flags, 'Once upon a time', '-'], 'A fox found a boat.\n'),
    ]);
    expect(both.text).toBe(written.text);
    expect(both.tokens).toEqual(written.tokens);
    expect(placed.tokens.prompt).not.toBe(both.tokens.prompt);
  });

  test('--json prints one object that tells how to make the answer again', async () => {
    const first = await json(['--temperature', '1.2', '--top-k', '50', STORY]);
    expect(first).toMatchObject({
      model: 'aipg-tiny',
      grid: 'local',
      worker: null,
      finishReason: 'stop',
      stop: [],
    });
    expect(first.sampling).toEqual({ temperature: 1.2, topP: 0.95, topK: 50, minP: 0.05, repeatPenalty: 1 });
    const again = await json(['--temperature', '1.2', '--top-k', '50', '--seed', first.seed, STORY]);
    expect(again.text).toBe(first.text);
    expect(again.seed).toBe(first.seed);
    expect(again.id).not.toBe(first.id);
  });

  test('the same --seed gives the same answer, another one or none another', async () => {
    const [same, other, none] = await Promise.all([
      json(['--seed', '7', STORY]),
      json(['--seed', '8', STORY]),
      json([STORY]),
    ]);
    expect(same.text).toBe(story.text);
    expect(other.text).not.toBe(story.text);
    expect(new Set([same.seed, other.seed, none.seed]).size).toBe(3);
  });

  test('--temperature 0 takes the likeliest token, whatever the seed', async () => {
    expect(await answer(['--temperature', '0', '--seed', '8', STORY])).toBe(`${greedy.text}\n`);
  });

  // Each of these leaves one token to choose from, which is greedy.
  test.for([
    ['--top-k', '1'],
    ['--top-p', '0.000001'],
    ['--min-p', '1'],
  ])('%s %s leaves the likeliest token alone', async ([flag, value], { expect }) => {
    const flags = ['--temperature', '1.5', '--seed', '8', flag as string, value as string];
    expect(await answer([...flags, STORY])).toBe(`${greedy.text}\n`);
  });

  test('--repeat-penalty weighs on what was said', async () => {
    const flags = ['-m', endless, ...ONE_THREAD, '--raw', '-n', '200', '--temperature', '0', 'What is 4?'];
    const [off, on] = await Promise.all([answer(flags), answer(['--repeat-penalty', '1.5', ...flags])]);
    const variety = (text: string) => new Set(text.split(/\s+/)).size / text.split(/\s+/).length;
    expect(variety(on)).toBeGreaterThan(variety(off));
  });

  test('-n is the most tokens of output', async () => {
    const { tokens, finishReason, maxTokens } = await json(['-n', '5', STORY]);
    expect({ output: tokens.output, finishReason, maxTokens }).toEqual({
      output: 5,
      finishReason: 'length',
      maxTokens: 5,
    });
  });

  test('--stop ends the answer before the first of several texts', async () => {
    const stopped = await json(['--seed', '7', '--stop', 'no such text', '--stop', 'river', STORY]);
    expect(stopped).toMatchObject({ finishReason: 'stop', stop: ['no such text', 'river'] });
    expect(story.text).toContain('river');
    expect(stopped.text).toBe(story.text.slice(0, story.text.indexOf('river')));
  });

  test('a prompt may follow --stop', async () => {
    expect((await json(['--seed', '7', '--stop', 'river', STORY])).stop).toEqual(['river']);
  });

  test('--system comes before the prompt', async () => {
    const [without, with_] = await Promise.all([
      json(['-n', '1', STORY]),
      json(['-n', '1', '-s', 'You are a helpful assistant.', STORY]),
    ]);
    expect(with_.tokens.prompt).toBeGreaterThan(without.tokens.prompt);
  });

  test('--raw leaves out the chat template, so that the model goes on with the prompt', async () => {
    const [chat, raw] = await Promise.all([
      json(['--temperature', '0', '-n', '20', 'The capital of Peru']),
      json(['--raw', '--temperature', '0', '-n', '20', 'The capital of Peru']),
    ]);
    expect(raw.tokens.prompt).toBeLessThan(chat.tokens.prompt);
    expect(raw.text).toMatch(/^ is Lima/);
  });

  test('--model takes the path of a file, whose answers are those of the same file under its name', async () => {
    const path = await json(['--seed', '7', '-m', TINY_MODEL, STORY]);
    expect(path.text).toBe(story.text);
    expect(path.modelSha256).toBe(story.modelSha256);
  });

  test('--threads changes the speed, not the answer', async () => {
    const { text } = await json(['--threads', '2', '--seed', '7', '-n', '20', STORY]);
    expect(story.text.startsWith(text)).toBe(true);
    expect(text).not.toBe('');
  });

  test('--stats says on stderr how fast it was', async () => {
    const { stdout, stderr, exitCode } = await home.aipg(['gen', '--stats', '--seed', '7', STORY]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${story.text}\n`);
    expect(stderr).toMatch(/^64 tokens · [\d.]+ tokens\/s · first after [\d.]+ m?s · .*aipg-tiny.*\n$/);
  });

  test('--timeout ends it with exit code 6, keeping what was printed', async () => {
    const [atOnce, midway] = await Promise.all([
      home.aipg(['gen', '--timeout', '1ms', STORY]),
      home.aipg(['gen', '-m', endless, '--timeout', '2s', ...LONG_JOB]),
    ]);
    expect(atOnce).toMatchObject({ exitCode: 6, stdout: '' });
    expect(atOnce.stderr).toContain('1 ms');
    expect(midway.exitCode).toBe(6);
    expect(midway.stdout.length).toBeLessThan(long.length);
    expect(long.startsWith(midway.stdout.trimEnd())).toBe(true);
  });

  test('--grid local asks no bus, whatever AIPG_GRID says', async () => {
    const env = { AIPG_GRID: 'nats://127.0.0.1:1' };
    const elsewhere = await home.aipg(['gen', STORY], { env });
    expect(elsewhere.exitCode).toBe(4);
    const { stdout, exitCode } = await home.aipg(['gen', '--grid', 'local', '--seed', '7', STORY], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${story.text}\n`);
  });

  test('errors are plain text in a pipe, and coloured when FORCE_COLOR asks for it', async () => {
    const stderr = async (env: Record<string, string>) =>
      (await home.aipg(['gen', '-m', 'nothing', 'x'], { env })).stderr;
    const [plain, forced, off] = await Promise.all([
      stderr({}),
      stderr({ FORCE_COLOR: '1' }),
      stderr({ FORCE_COLOR: '0' }),
    ]);
    expect(plain).toMatch(/^error: No model/);
    expect(forced).toContain('\u001b[31merror:');
    expect(off).toBe(plain);
  });
});

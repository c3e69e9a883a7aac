import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { historyFile, openExistingHistory, openHistory } from '../../../src/runtime/history/history.ts';
import { SCHEMA_VERSION } from '../../../src/runtime/history/schema.ts';
import { openDatabase } from '../../../src/runtime/history/sqlite.ts';
import { answered, emptyHome } from './support.ts';

test('what was added comes back as it was, the newest first', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const whole = answered('What is 3 + 4?', '3 + 4 = 7.', { modelReference: 'hf:org/repo', worker: 'w-1' });
  const failed = answered('Hello', '', {
    status: 'failed',
    model: null,
    modelSha256: null,
    sampler: null,
    finishReason: null,
    tokens: null,
    error: { code: 'job-failed', message: 'It failed.', hint: 'Try again.' },
    timings: { firstTextMs: null, totalMs: 2, tokensPerSecond: null },
  });
  history.add(whole);
  history.add(failed);
  expect(history.newest({ limit: 10 })).toEqual([failed, whole]);
  expect(history.newest({ limit: 1 })).toEqual([failed]);
  expect(history.summary()).toEqual({ jobs: 2, oldest: whole.createdAt });
});

test('any text comes back as it was, and is found by any word of it', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.isWellFormed());
  await fc.assert(
    fc.asyncProperty(text, text, async (prompt, answer) => {
      const job = answered(prompt, answer);
      history.add(job);
      expect(history.find(job.id)).toEqual(job);
      const words = `${prompt} ${answer}`.split(/\s+/).filter((word) => word !== '' && !word.includes('\0'));
      for (const word of words) {
        expect(history.search([word], 1_000_000).map(({ id }) => id)).toContain(job.id);
      }
    }),
    { numRuns: 60 },
  );
});

test('a search wants all words, in any case, and takes nothing of them for an operator', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const french = answered('What is the capital of France?', 'Paris.');
  const peru = answered(
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Peru?' },
    ],
    'LIMA, 100 %_',
  );
  const chinese = answered('法国的首都是什么?', '巴黎');
  for (const job of [french, peru, chinese]) history.add(job);
  const found = (...words: string[]) => history.search(words, 10).map(({ id }) => id);
  expect(found('CAPITAL', 'paris')).toEqual([french.id]);
  expect(found('capital', 'lima')).toEqual([]);
  expect(found('brief')).toEqual([peru.id]);
  expect(found('lima')).toEqual([peru.id]);
  expect(found('首都')).toEqual([chinese.id]);
  expect(found('法国的首都')).toEqual([chinese.id]);
  expect(found('%_')).toEqual([peru.id]);
  expect(found('a%s')).toEqual([]);
  expect(found('"NOT OR')).toEqual([]);
  expect(history.search(['p'], 1).map(({ id }) => id)).toEqual([peru.id]);
});

test('a job is found by the start of its id, if that is of it alone', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const [first, second] = ['0', '1'].map((last) =>
    answered('x', 'y', { id: `abcdefghjkmnpqrstvwxyz000${last}` as never }),
  );
  if (!first || !second) throw new Error('unreachable');
  history.add({ ...first, conversation: first.id });
  history.add({ ...second, conversation: second.id });
  expect(history.find(second.id).id).toBe(second.id);
  expect(() => history.find('abc')).toThrow(/Several jobs start with abc/);
  expect(() => history.find('zzz')).toThrow(/no job "zzz"/);
  expect(() => history.find('*')).toThrow(/no job/);
  expect(() => history.find('')).toThrow(/no job/);
});

test('the last turn to go on from has an answer, if only the beginning of one', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const error = { code: 'job-failed', message: 'It failed.' } as const;
  const named = answered('Hello', 'Hi', { chat: 'travel' });
  const cut = answered('Hello', 'H', { status: 'cancelled' });
  for (const job of [
    named,
    cut,
    answered('Hello', 'H', { status: 'failed', error }),
    answered('Hello', '', { status: 'cancelled' }),
    answered('x', 'y', { input: { ...named.input, prompt: { form: 'raw', text: 'x' } } }),
  ])
    history.add(job);
  expect(history.lastTurn()?.id).toBe(cut.id);
  expect(history.lastTurn('travel')?.id).toBe(named.id);
  expect(history.lastTurn('nothing')).toBeUndefined();
});

test('two that begin a conversation of one name at once are in the same', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const [first, second] = [answered('a', 'b', { chat: 'x' }), answered('c', 'd', { chat: 'x' })];
  history.add(first);
  history.add(second);
  const jobs = history.newest({ limit: 9, conversation: 'x' });
  expect(jobs.map(({ id, conversation }) => ({ id, conversation }))).toEqual([
    { id: second.id, conversation: first.id },
    { id: first.id, conversation: first.id },
  ]);
  expect(history.newest({ limit: 9, conversation: first.id })).toEqual(jobs);
});

test('a prune forgets by age, by count or all, and leaves nothing of it in the file', async () => {
  using home = emptyHome();
  using history = await openHistory(home.paths);
  const day = 86_400_000;
  for (let age = 1; age <= 40; age++) {
    const secret = `secret-word-${age}-${'filler '.repeat(300)}`;
    history.add(answered(secret, secret, { createdAt: 1_000 * day - age * day }));
  }
  const bytes = () => readFileSync(historyFile(home.paths));
  expect(history.countPruned({ before: 990 * day })).toBe(30);
  expect(history.prune({ before: 990 * day })).toBeGreaterThan(100_000);
  expect(history.newest({ limit: 99 }).map(({ createdAt }) => 1_000 - createdAt / day)).toEqual([
    10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
  ]);
  expect(bytes().includes('secret-word-11')).toBe(false);
  expect(bytes().includes('secret-word-10')).toBe(true);
  expect(history.search(['secret-word-11'], 9)).toEqual([]);
  history.prune({ keep: 3 });
  expect(history.newest({ limit: 99 })).toHaveLength(3);
  history.prune('all');
  expect(history.summary()).toEqual({ jobs: 0, oldest: null });
  expect(bytes().includes('secret-word')).toBe(false);
});

test('only its user can read it, whatever the mode was', async () => {
  using home = emptyHome();
  const file = historyFile(home.paths);
  const mode = (path: string) => statSync(path).mode & 0o777;
  {
    using history = await openHistory(home.paths);
    history.add(answered('a', 'b'));
    expect([file, `${file}-wal`, dirname(file)].map(mode)).toEqual([0o600, 0o600, 0o700]);
  }
  chmodSync(file, 0o644);
  using _again = await openHistory(home.paths);
  expect(mode(file)).toBe(0o600);
});

test('reading makes no file', async () => {
  using home = emptyHome();
  expect(await openExistingHistory(home.paths)).toBeUndefined();
});

test('a file of a newer release is refused and left alone', async () => {
  using home = emptyHome();
  const file = historyFile(home.paths);
  (await openHistory(home.paths))[Symbol.dispose]();
  const database = await openDatabase(file);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  database.close();
  const before = readFileSync(file);
  await expect(openHistory(home.paths)).rejects.toMatchObject({
    code: 'history-unusable',
    message: expect.stringMatching(/newer release/),
    hint: expect.stringMatching(/--no-log/),
  });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test.for([
  ['text', (file: string) => writeFileSync(file, 'This is no database. '.repeat(500))],
  ['cut short', (file: string) => truncateSync(file, 5_000)],
] as const)('a file that is %s is told by its name, with what to do', async ([, damage]) => {
  using home = emptyHome();
  const file = historyFile(home.paths);
  mkdirSync(dirname(file), { recursive: true });
  {
    using history = await openHistory(home.paths);
    for (let at = 0; at < 20; at++) history.add(answered(`prompt ${at}`, 'answer '.repeat(200)));
  }
  damage(file);
  const use = async () => {
    using history = await openHistory(home.paths);
    history.newest({ limit: 100 });
  };
  await expect(use()).rejects.toMatchObject({
    code: 'history-unusable',
    message: expect.stringContaining(file),
    hint: expect.stringContaining(`mv "${file}"`),
  });
});

test('a folder that cannot be made is told by the name of the file', async () => {
  using home = emptyHome();
  mkdirSync(dirname(home.paths.data), { recursive: true });
  writeFileSync(home.paths.data, 'in the way');
  await expect(openHistory(home.paths)).rejects.toMatchObject({
    code: 'history-unusable',
    message: expect.stringContaining(historyFile(home.paths)),
  });
});

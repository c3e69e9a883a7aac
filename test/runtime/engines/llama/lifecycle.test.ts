import { expect, test } from 'vitest';
import { createLlamaEngine } from '../../../../src/runtime/engines/llama/engine.ts';
import { chat, collect, load, modelFile, TINY_F16, temporaryDirectory } from './support.ts';

const model = await load({ slots: 2 });
const cacheDir = temporaryDirectory();
const SUM = chat('What is 31 + 17?', { sampling: { temperature: 0 } });
const LONG = chat('Write a story about a fox.', { maxTokens: 1_500, sampling: { temperature: 5 } });

test('an abort ends the generation with its reason before another token, and frees the slot', async () => {
  for (let round = 0; round < 5; round++) {
    const abort = new AbortController();
    const reason = new Error('enough');
    let chunks = 0;
    const run = async () => {
      for await (const _ of model.generate(LONG, abort.signal)) if (++chunks === 3) abort.abort(reason);
    };
    await expect(run()).rejects.toBe(reason);
    expect(chunks).toBe(3);
  }
  expect((await collect(model.generate(SUM))).text).toBe('31 + 17 = 48.');
});

test('an abort while the next token is awaited ends it at once', async () => {
  const abort = new AbortController();
  const chunks = model.generate(LONG, abort.signal)[Symbol.asyncIterator]();
  await chunks.next();
  const awaited = [chunks.next(), chunks.next(), chunks.next()];
  abort.abort('gone');
  const outcomes = await Promise.allSettled(awaited);
  // The awaited token may just have arrived; nothing comes after it.
  expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: 'gone' }]);
  expect(outcomes.at(-1)).toMatchObject({ value: { done: true } });
  expect((await collect(model.generate(SUM))).text).toBe('31 + 17 = 48.');
});

test('an already aborted signal starts nothing', async () => {
  await expect(collect(model.generate(SUM, AbortSignal.abort('no')))).rejects.toBe('no');
});

test('a consumer that breaks off frees the slot', async () => {
  for (let round = 0; round < 5; round++) for await (const _ of model.generate(LONG)) break;
  expect((await collect(model.generate(SUM))).text).toBe('31 + 17 = 48.');
});

test('more calls than slots wait, first come first served, and may be aborted while they wait', async () => {
  const started: number[] = [];
  const abort = new AbortController();
  const run = async (index: number, signal?: AbortSignal) => {
    let first = true;
    for await (const _ of model.generate(chat('Count from 4 to 9.', { seed: `${index}` }), signal)) {
      if (first) started.push(index);
      first = false;
    }
  };
  const gone = run(9, abort.signal);
  const blocked = [run(0), run(1)];
  const waiting = [run(2), run(3, abort.signal), run(4), run(5)];
  abort.abort(new Error('left the queue'));
  const outcomes = await Promise.allSettled([gone, ...blocked, ...waiting]);
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([
    false,
    true,
    true,
    true,
    false,
    true,
    true,
  ]);
  expect(started).toEqual([0, 1, 2, 4, 5]);
});

test('dispose ends one whose slot is being made ready beside another that runs', async () => {
  const own = await createLlamaEngine().load(modelFile(TINY_F16), { slots: 2, threads: 1, cacheDir });
  await Promise.all([0, 1].map(() => collect(own.generate({ ...SUM, cacheScope: 'alice' }))));
  const running = own.generate({ ...LONG, cacheScope: 'alice' })[Symbol.asyncIterator]();
  await running.next();
  const preparing = collect(own.generate({ ...SUM, cacheScope: 'bob' })).catch((error: unknown) => error);
  await own[Symbol.asyncDispose]();
  expect(await preparing).toMatchObject({ code: 'cancelled' });
  await expect(running.next()).rejects.toMatchObject({ code: 'cancelled' });
});

test('dispose aborts what runs and waits, is idempotent, and refuses what comes after', async () => {
  const own = await createLlamaEngine().load(modelFile(TINY_F16), { slots: 1, threads: 1, cacheDir });
  const running = own.generate(LONG)[Symbol.asyncIterator]();
  await running.next();
  const waiting = collect(own.generate(SUM)).catch((error: unknown) => error);
  await Promise.all([own[Symbol.asyncDispose](), own[Symbol.asyncDispose]()]);
  await expect(running.next()).rejects.toMatchObject({ code: 'cancelled' });
  expect(await waiting).toMatchObject({ code: 'cancelled' });
  await expect(collect(own.generate(SUM))).rejects.toMatchObject({ code: 'cancelled' });
  await own[Symbol.asyncDispose]();
});

test('loading can be aborted, and reports progress', async () => {
  const engine = createLlamaEngine();
  const options = { slots: 1, threads: 1, cacheDir };
  await expect(engine.load(modelFile(TINY_F16), options, AbortSignal.abort('not now'))).rejects.toBe(
    'not now',
  );
  const abort = new AbortController();
  const onProgress = () => abort.abort('stop loading');
  await expect(engine.load(modelFile(TINY_F16), { ...options, onProgress }, abort.signal)).rejects.toBe(
    'stop loading',
  );
  const progress: number[] = [];
  await using loaded = await engine.load(modelFile(TINY_F16), {
    ...options,
    onProgress: (f) => progress.push(f),
  });
  expect(loaded.threads).toBe(1);
  expect(progress.at(-1)).toBe(1);
});

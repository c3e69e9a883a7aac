import type { Token } from 'node-llama-cpp';
import { afterAll, describe, expect, test } from 'vitest';
import type { GenerateInput } from '../../../../src/runtime/engines/engine.ts';
import { loadBackend } from '../../../../src/runtime/engines/llama/backend.ts';
import { prefill } from '../../../../src/runtime/engines/llama/decode.ts';
import { canGoBack, mostSimilar } from '../../../../src/runtime/engines/llama/prompt-cache.ts';
import { Slots } from '../../../../src/runtime/engines/llama/slots.ts';
import { chat, collect, load, TINY_F16, temporaryDirectory } from './support.ts';

const { llama } = await loadBackend(temporaryDirectory());
const model = await llama.loadModel({ modelPath: TINY_F16 });
afterAll(() => model.dispose());

const TURN = tokens('<|user|>What is the capital of France?<|end|><|assistant|>Paris.<|end|>');
const NEXT = [...TURN, ...tokens('<|user|>And of Spain?<|end|><|assistant|>')];
const OTHER = tokens('<|user|>Write a story about an owl and its friends.<|end|><|assistant|>');
const never = new AbortController().signal;

describe('a slot', () => {
  test('decodes of a conversation only what is new', async () => {
    await using lent = await slots(1);
    expect(await lent.use(TURN, 'alice')).toEqual({ slot: 0, reused: 0 });
    expect(await lent.use(NEXT, 'alice')).toEqual({ slot: 0, reused: TURN.length });
  });

  test('always has a token to decode, since nothing else tells what comes next', async () => {
    await using lent = await slots(1);
    await lent.use(TURN, 'alice');
    expect(await lent.use(TURN, 'alice')).toEqual({ slot: 0, reused: TURN.length - 1 });
    expect(await lent.use(TURN.slice(0, 5), 'alice')).toEqual({ slot: 0, reused: 4 });
    expect(await lent.use(TURN.slice(0, 1), 'alice')).toEqual({ slot: 0, reused: 0 });
  });

  test('shows nobody else by its speed what it has read', async () => {
    await using lent = await slots(1);
    await lent.use(TURN, 'alice');
    expect(await lent.use(NEXT, 'bob')).toEqual({ slot: 0, reused: 0 });
    expect(await lent.use(NEXT, 'alice')).toEqual({ slot: 0, reused: 0 });
  });

  test('keeps nothing without a name, and reuses nothing', async () => {
    await using lent = await slots(1);
    await lent.use(TURN, undefined);
    expect(await lent.use(TURN, undefined)).toEqual({ slot: 0, reused: 0 });
    expect(await lent.use(TURN, 'alice')).toEqual({ slot: 0, reused: 0 });
    expect(await lent.use(TURN, undefined)).toEqual({ slot: 0, reused: 0 });
  });

  test('keeps nothing of work that failed', async () => {
    await using lent = await slots(1);
    await lent.use(TURN, 'alice', () => Promise.reject(new Error('no room')));
    expect(await lent.use(TURN, 'alice')).toEqual({ slot: 0, reused: 0 });
  });

  test('stays with its conversation while another is free', async () => {
    await using lent = await slots(2);
    const first = await lent.use(TURN, 'alice');
    const second = await lent.use(OTHER, 'alice');
    expect(second.slot).not.toBe(first.slot);
    expect(await lent.use(NEXT, 'alice')).toEqual({ slot: first.slot, reused: TURN.length });
    expect(await lent.use(OTHER, 'alice')).toEqual({ slot: second.slot, reused: OTHER.length - 1 });
  });

  test('that was not used for longest is the one that is given up', async () => {
    await using lent = await slots(2);
    const first = await lent.use(TURN, 'alice');
    await lent.use(TURN, 'bob');
    expect((await lent.use(OTHER, 'carol')).slot).toBe(first.slot);
  });
});

const holding = (...held: number[]) => ({
  held,
  sequence: {
    nextTokenIndex: held.length,
    compareContextTokens: (compared: readonly Token[]) => {
      const differs = held.findIndex((token, index) => token !== compared[index]);
      return { firstDifferentIndex: differs < 0 ? held.length : differs };
    },
  },
});

describe('the most similar of some sequences', () => {
  const choose = (asked: readonly number[], ...all: ReturnType<typeof holding>[]) =>
    mostSimilar(all, asked as readonly Token[])?.held;

  test('shares the longest beginning', () => {
    expect(choose([1, 2, 3, 4], holding(1, 2, 9), holding(1, 2, 3), holding(7))).toEqual([1, 2, 3]);
  });

  test('is none where nothing is shared', () => {
    expect(choose([1, 2, 3], holding(), holding(4, 5))).toBeUndefined();
  });

  test('is not one that would lose most of a long conversation for a short beginning', () => {
    expect(choose([1, 2, 3, 4, 5], holding(1, 2, 9, 9, 9, 9))).toBeUndefined();
    expect(choose([1, 2, 3, 4], holding(1, 2, 9, 9, 9, 9))).toBeDefined();
    expect(choose([1, 2, 3, 4, 5, 6], holding(1, 2, 9))).toBeDefined();
  });
});

test.for([
  { held: [1, 2, 3], asked: [1, 2, 3, 4], anywhere: true, onlyOn: true },
  { held: [1, 2, 3], asked: [1, 2, 4], anywhere: true, onlyOn: false },
  { held: [1, 2, 3], asked: [1, 2], anywhere: true, onlyOn: false },
  { held: [], asked: [1], anywhere: true, onlyOn: true },
])('of $held a model keeps what it shares with $asked, one with a window only if that is all', (given) => {
  const { held, asked, anywhere, onlyOn } = given;
  const { sequence } = holding(...held);
  const goesBack = (needsCheckpoints: boolean) =>
    canGoBack({ ...sequence, needsCheckpoints }, asked as readonly number[] as readonly Token[]);
  expect([goesBack(false), goesBack(true)]).toEqual([anywhere, onlyOn]);
});

test('who gives up while its slot is made ready is not kept waiting for what others decode', async () => {
  await using context = await model.createContext({ sequences: 2, threads: 1, contextSize: 512 });
  const lent = new Slots(context, 2);
  const busy = await lent.acquire({ tokens: TURN, cacheScope: 'alice' }, never);
  const left = await lent.acquire({ tokens: TURN, cacheScope: 'alice' }, never);
  await prefill(left.sequence, TURN);
  lent.release(left);
  await lent.idle();
  let isDecoded = false;
  const decoding = prefill(busy.sequence, Array(400).fill(TURN.at(-1))).then(() => {
    isDecoded = true;
  });
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  const abort = new AbortController();
  const acquiring = lent.acquire({ tokens: NEXT, cacheScope: 'bob' }, abort.signal);
  setImmediate(() => abort.abort('gone'));
  await expect(acquiring).rejects.toBe('gone');
  expect(isDecoded).toBe(false);
  await decoding;
  lent.release(busy);
  await lent.idle();
  const again = [
    await lent.acquire({ tokens: NEXT, cacheScope: 'bob' }, never),
    await lent.acquire({ tokens: NEXT, cacheScope: 'bob' }, never),
  ];
  expect(new Set(again).size).toBe(2);
});

test('an answer is the same whether its prompt was read before or not', async () => {
  const engine = await load({ slots: 2 });
  const ask = async (input: GenerateInput) => {
    const { text, tokens, finish } = await collect(engine.generate(input));
    return { text, tokens, finish };
  };
  const story = 'Tell me a story about';
  for (let seed = 0; seed < 8; seed++) {
    const common = { seed: String(seed), maxTokens: 60 };
    const asked = [
      chat(`${story} a fox.`, common),
      chat(`${story} an owl.`, common),
      chat(`${story} an owl.`, { ...common, sampling: { repeatPenalty: 1.2 } }),
      chat(`${story} an owl, in JSON.`, { ...common, format: { type: 'json' } }),
      chat(`${story} a fox.`, { ...common, resumeFrom: tokens('Once') }),
    ];
    const fresh = [];
    for (const each of asked) fresh.push(await ask(each));
    const reused = await Promise.all(asked.map((each) => ask({ ...each, cacheScope: 'alice' })));
    expect(reused).toEqual(fresh);
  }
});

/** A context's slots, each use of which decodes all that it is asked for. */
async function slots(count: number) {
  const context = await model.createContext({ sequences: count, threads: 1, contextSize: 256 });
  const lent = new Slots(context, count);
  const known: unknown[] = [];
  return {
    use: async (asked: readonly Token[], cacheScope: string | undefined, work = () => Promise.resolve()) => {
      const slot = await lent.acquire({ tokens: asked, cacheScope }, never);
      const reused = slot.sequence.nextTokenIndex;
      if (!known.includes(slot.sequence)) known.push(slot.sequence);
      await prefill(slot.sequence, asked.slice(reused));
      lent.release(slot, work());
      await lent.idle();
      return { slot: known.indexOf(slot.sequence), reused };
    },
    [Symbol.asyncDispose]: () => context.dispose(),
  };
}

function tokens(text: string): Token[] {
  return model.tokenize(text, true);
}

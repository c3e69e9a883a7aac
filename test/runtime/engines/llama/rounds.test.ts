import { describe, expect, test } from 'vitest';
import { Rounds } from '../../../../src/runtime/engines/llama/rounds.ts';

/** A decoder that tells which steps ran at the same time. */
function recorder() {
  const batches: string[][] = [];
  let open: string[] = [];
  const decode = (name: string) => async () => {
    if (open.length === 0) {
      setImmediate(() => {
        batches.push(open.sort());
        open = [];
      });
    }
    open.push(name);
    await new Promise((done) => setImmediate(() => setImmediate(done)));
    return name;
  };
  return { batches, decode };
}

describe('rounds of decoding', () => {
  test('hold what every sequence asks for, step by step', async () => {
    const rounds = new Rounds();
    const { batches, decode } = recorder();
    const generate = async (name: string, steps: number, pauses: number) => {
      for (let step = 0; step < steps; step++) {
        await rounds.step(decode(name));
        // What is done with a token takes some turns of the queue of promises, more for one than for another.
        for (let pause = 0; pause < pauses; pause++) await undefined;
      }
      rounds.leave();
    };
    for (let members = 0; members < 3; members++) rounds.join();
    await Promise.all([generate('a', 3, 0), generate('b', 3, 20), generate('c', 2, 5)]);
    expect(batches).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b'],
    ]);
  });

  test('do not wait for who reads slowly', async () => {
    const rounds = new Rounds();
    const { batches, decode } = recorder();
    rounds.join();
    rounds.join();
    await rounds.step(decode('a'));
    await rounds.step(decode('a'));
    expect(batches).toEqual([['a'], ['a']]);
  });

  test('tell when one is being computed', async () => {
    const rounds = new Rounds();
    const { batches, decode } = recorder();
    rounds.join();
    await rounds.computing();
    const first = rounds.step(decode('a'));
    await rounds.computing();
    expect(batches).toEqual([['a']]);
    await first;
  });

  test('keep nobody waiting for one that never comes', async () => {
    const rounds = new Rounds();
    const { decode } = recorder();
    rounds.join();
    rounds.join();
    const ends = async (name: string, pauses: number) => {
      await rounds.step(decode(name));
      for (let pause = 0; pause < pauses; pause++) await new Promise(setImmediate);
      rounds.leave();
      await rounds.computing();
    };
    const slow = rounds.step(async () => {
      await decode('b')();
      for (let pause = 0; pause < 9; pause++) await new Promise(setImmediate);
    });
    await Promise.all([ends('a', 4), slow.then(() => rounds.leave())]);
  });

  test('let a newcomer in with the next', async () => {
    const rounds = new Rounds();
    const { batches, decode } = recorder();
    rounds.join();
    const first = rounds.step(decode('a'));
    await new Promise(setImmediate);
    rounds.join();
    const late = rounds.step(decode('b'));
    await first;
    await Promise.all([rounds.step(decode('a')), late]);
    expect(batches).toEqual([['a'], ['a', 'b']]);
  });

  test('go on after a step that failed', async () => {
    const rounds = new Rounds();
    const { decode } = recorder();
    const failing = rounds.step(() => Promise.reject(new Error('no room')));
    await expect(failing).rejects.toThrow('no room');
    expect(await rounds.step(decode('a'))).toBe('a');
  });
});

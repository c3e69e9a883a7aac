import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OwnWorkers } from '../../../src/runtime/director/own-workers.ts';
import { accountSchema, workerIdSchema } from '../../../src/runtime/protocol/ids.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { ownStateSchema } from '../../../src/runtime/protocol/worker-requests.ts';
import { connectedBus } from '../../support/connected-bus.ts';

const { connection } = await connectedBus();
const accounts = ['carol', 'dave'].map((name) => accountSchema.parse(name));
const models = ['a', 'b'].map((name) => modelNameSchema.parse(name));
/** Each is of the account of its place. */
const workers = ['w0', 'w1', 'w2', 'w3'].map((id) => workerIdSchema.parse(id));
const accountOf = (place: number) => accounts[place % 2] as (typeof accounts)[number];

const words = fc.array(
  fc.record({
    place: fc.integer({ min: 0, max: 3 }),
    state: fc.constantFrom(...ownStateSchema.shape.state.options),
    models: fc.subarray(models),
  }),
  { maxLength: 30 },
);

describe('the workers that serve their own account', () => {
  test('are those whose last word was that they do, by account and model', () => {
    fc.assert(
      fc.property(words, (said) => {
        const gone: string[] = [];
        using own = new OwnWorkers({
          connection,
          now: () => 0,
          onGone: (account, model) => {
            // Whoever is told of may look: nobody is there.
            expect(own.taking(account, model)).toEqual([]);
            gone.push(`${account} ${model}`);
          },
        });
        const last = new Map<number, (typeof said)[number]>();
        for (const word of said) {
          const before = last.get(word.place);
          own.hear(accountOf(word.place), workers[word.place] as (typeof workers)[number], word);
          last.set(word.place, word);
          const stopped = before?.state === 'serving' && word.state !== 'serving';
          for (const model of stopped ? word.models : []) {
            const account = accountOf(word.place);
            if (own.taking(account, model).length === 0) expect(gone).toContain(`${account} ${model}`);
          }
        }
        for (const account of accounts) {
          for (const model of models) {
            const expected = workers.filter((_, place) => {
              const word = last.get(place);
              return accountOf(place) === account && word?.state === 'serving' && word.models.includes(model);
            });
            expect([...own.taking(account, model)].sort()).toEqual(expected);
          }
        }
      }),
    );
  });

  test('have stopped when the last of them says so, and not when nobody has said anything', () => {
    const [account, model] = [accounts[0], models[0]];
    const [first, , second] = workers;
    if (!account || !model || !first || !second) throw new Error('There is one of each.');
    using own = new OwnWorkers({ connection, now: () => 0, onGone: () => undefined });
    expect(own.haveStopped(account, model)).toBe(false);
    // Another may serve that was not heard of yet.
    own.hear(account, second, { models: [model], state: 'draining' });
    expect(own.haveStopped(account, model)).toBe(false);
    own.hear(account, first, { models: [model], state: 'serving' });
    expect(own.haveStopped(account, model)).toBe(false);
    own.hear(account, first, { models: [model], state: 'paused' });
    expect(own.haveStopped(account, model)).toBe(true);
  });

  test('are forgotten when they fall silent', { timeout: 15_000 }, async () => {
    const [account, model, worker] = [accounts[0], models[0], workers[0]];
    if (!account || !model || !worker) throw new Error('There is one of each.');
    let now = 0;
    const gone = Promise.withResolvers<string>();
    using own = new OwnWorkers({ connection, now: () => now, onGone: (...of) => gone.resolve(of.join(' ')) });
    own.hear(account, worker, { models: [model], state: 'serving' });
    expect(own.isAtWork(account, worker)).toBe(true);
    now += 16_000;
    expect(own.knowsAll).toBe(true);
    expect(await gone.promise).toBe('carol a');
    expect(own.taking(account, model)).toEqual([]);
    expect(own.isAtWork(account, worker)).toBe(false);
  });
});

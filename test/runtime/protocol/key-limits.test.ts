import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountSchema } from '../../../src/runtime/protocol/ids.ts';
import { formatAsker, mayUse, parseAsker } from '../../../src/runtime/protocol/key-limits.ts';
import { type ModelName, modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { requestAccount, requestAsker, subjects } from '../../../src/runtime/protocol/subjects.ts';

const KEY = `U${'A'.repeat(55)}`;
const model = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((name) => modelNameSchema.safeParse(name).success) as fc.Arbitrary<ModelName>;
const limits = fc.record({
  models: fc.option(fc.array(model, { minLength: 1, maxLength: 4 }), { nil: undefined }),
  perMinute: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }),
});
const account = accountSchema.parse('a1');

describe('who asks', () => {
  test('is one token of a subject, with whatever limits, and is read back as it was', () => {
    fc.assert(
      fc.property(limits, (each) => {
        const asker = { id: account, key: KEY, limits: each };
        expect(formatAsker(asker)).toMatch(/^[\w~-]+$/);
        const subject = subjects.request(asker, 'submit');
        expect(requestAccount(subject)).toBe(account);
        expect(requestAsker(subject)).toEqual(asker);
      }),
    );
  });

  test('without limits is the account alone', () => {
    expect(subjects.request({ id: account, key: KEY }, 'submit')).toBe('aipg.req.a1.submit');
    expect(parseAsker('a1')).toEqual({ id: 'a1' });
  });

  test('is nobody when a part is damaged: limits are never lost', () => {
    const token = formatAsker({ id: account, key: KEY, limits: { perMinute: 3 } });
    for (const damaged of [`${token}~x`, token.slice(0, -6), `a1~${KEY}`, 'a1~x~e30']) {
      expect(parseAsker(damaged)).toBeUndefined();
    }
  });

  test('is refused with more limits than a subject can carry', () => {
    const models = Array.from({ length: 40 }, (_, i) => modelNameSchema.parse(`${'x'.repeat(60)}${i}`));
    expect(() => formatAsker({ id: account, key: KEY, limits: { models } })).toThrow('more than');
  });
});

test('a key is for its models alone, and without any for all', () => {
  const [one, other] = [modelNameSchema.parse('one'), modelNameSchema.parse('other')];
  expect([mayUse({ models: [one] }, one), mayUse({ models: [one] }, other)]).toEqual([true, false]);
  expect([mayUse(undefined, other), mayUse({ perMinute: 1 }, other)]).toEqual([true, true]);
});

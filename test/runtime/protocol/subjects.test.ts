import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountSchema, workerIdSchema } from '../../../src/runtime/protocol/ids.ts';
import { tierSchema } from '../../../src/runtime/protocol/job.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { ownAsker, ownConsumerName, ownSubjects } from '../../../src/runtime/protocol/own-lane.ts';
import {
  consumerName,
  decodeToken,
  encodeToken,
  parseConsumerName,
  requestAccount,
} from '../../../src/runtime/protocol/subjects.ts';

const modelNames = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .filter((name) => modelNameSchema.safeParse(name).success)
  .map((name) => modelNameSchema.parse(name));

describe('model names as subject tokens', () => {
  test('any name comes back as it was', () => {
    fc.assert(fc.property(modelNames, (name) => decodeToken(encodeToken(name)) === name));
  });

  test('a token has nothing that a subject, a consumer name or a key gives a meaning to', () => {
    fc.assert(fc.property(modelNames, (name) => /^[A-Za-z0-9_=-]+$/.test(encodeToken(name))));
    fc.assert(
      fc.property(modelNames, (name) =>
        /^[A-Za-z0-9_=-]+$/.test(consumerName('text', 'standard', 'fresh', name)),
      ),
    );
  });

  test('different names never share a token', () => {
    fc.assert(
      fc.property(modelNames, modelNames, (a, b) => (a === b) === (encodeToken(a) === encodeToken(b))),
    );
  });

  test('what was never written is refused', () => {
    for (const token of ['', 'a.b', '*', '>', 'a b', '=4', '=zz', '=41', '=C3', '=0A']) {
      expect(decodeToken(token), token).toBeUndefined();
    }
  });

  test('reads as itself where it can', () => {
    expect(encodeToken(modelNameSchema.parse('aipg-tiny'))).toBe('aipg-tiny');
    expect(encodeToken(modelNameSchema.parse('org/repo:Q4_K_M'))).toBe('org=2Frepo=3AQ4_K_M');
  });
});

describe("the name of a queue's consumer", () => {
  const account = accountSchema.parse('a0_b-c');

  test("tells its tier and model, also that of an account's own", () => {
    fc.assert(
      fc.property(modelNames, fc.constantFrom(...tierSchema.options), (model, tier) => {
        const names = [
          consumerName('text', tier, 'backlog', model),
          ownConsumerName('text', tier, model, account),
        ];
        for (const name of names) expect(parseConsumerName(name)).toEqual({ tier, model });
      }),
    );
    expect(parseConsumerName('reaper')).toEqual({ tier: undefined, model: undefined });
  });
});

describe('who asks for the jobs of its own account', () => {
  const worker = workerIdSchema.parse('w-1');
  const account = accountSchema.parse('carol');

  test('is in the subject: the account, the worker, and the limits of its key', () => {
    expect(ownAsker(ownSubjects.request(account, worker, 'next'))).toMatchObject({ account, worker });
    const limits = { models: [modelNameSchema.parse('org/a')] };
    const asker = { id: worker, key: `U${'A'.repeat(55)}`, limits };
    expect(ownAsker(ownSubjects.request(account, asker, 'next'))).toEqual({ account, worker, asker });
  });

  test('is refused in any other form', () => {
    for (const subject of [
      'aipg.own.carol',
      'aipg.own.*.w.next',
      'aipg.own.carol.*.next',
      'aipg.own.carol.w~x.next',
    ]) {
      expect(ownAsker(subject), subject).toBeUndefined();
    }
  });
});

describe('the account of a request', () => {
  test('is the third token', () => {
    expect(requestAccount('aipg.req.local.submit')).toBe('local');
  });

  test('is refused in any other form', () => {
    for (const subject of [
      'aipg.req.local',
      'aipg.req.a.b.c',
      'aipg.evt.local.submit',
      'x.req.local.submit',
      'aipg.req.*.submit',
    ]) {
      expect(requestAccount(subject), subject).toBeUndefined();
    }
  });
});

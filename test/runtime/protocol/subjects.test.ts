import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import {
  consumerName,
  decodeToken,
  encodeToken,
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

import { createCurve } from '@nats-io/jwt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Xkey } from '../../../src/runtime/protocol/xkey.ts';

const own = new Xkey();
/** The implementation of NATS's own library. */
const theirs = createCurve();

const message = fc.uint8Array({ maxLength: 2_000 });

describe('an xkey', () => {
  test("opens what NATS's own library has sealed, and the other way round", () => {
    fc.assert(
      fc.property(message, (bytes) => {
        const fromTheirs = own.open(theirs.seal(bytes, own.key), theirs.getPublicKey());
        const fromOwn = theirs.open(own.seal(bytes, theirs.getPublicKey()), own.key);
        expect([Buffer.from(fromTheirs ?? []), Buffer.from(fromOwn ?? [])]).toEqual([
          Buffer.from(bytes),
          Buffer.from(bytes),
        ]);
      }),
      { numRuns: 40 },
    );
  });

  test('opens nothing that was changed, cut, or sealed by or for another', () => {
    const sealed = own.seal(new TextEncoder().encode('hello'), theirs.getPublicKey());
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = Uint8Array.from(sealed);
        changed[place] = (changed[place] ?? 0) ^ change;
        expect(new Xkey().open(changed, own.key)).toBeNull();
        const forOwn = theirs.seal(sealed, own.key);
        forOwn[place] = (forOwn[place] ?? 0) ^ change;
        expect(own.open(forOwn, theirs.getPublicKey())).toBeNull();
        expect(own.open(forOwn.subarray(0, place), theirs.getPublicKey())).toBeNull();
      }),
      { numRuns: 30 },
    );
    expect(own.open(theirs.seal(sealed, own.key), new Xkey().key)).toBeNull();
  });

  test('never seals the same twice', () => {
    const sealed = () => Buffer.from(own.seal(new Uint8Array(8), theirs.getPublicKey())).toString('hex');
    expect(sealed()).not.toBe(sealed());
  });

  test('takes no key that is none, or of another kind', () => {
    const key = theirs.getPublicKey();
    const damaged = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
    for (const other of ['', 'X', damaged, `U${key.slice(1)}`]) {
      expect(() => own.seal(new Uint8Array(1), other)).toThrow();
    }
  });
});

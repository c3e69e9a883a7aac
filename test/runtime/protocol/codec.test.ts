import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, mayHold } from '../../../src/runtime/protocol/codec.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { jobEventSchema } from '../../../src/runtime/protocol/events.ts';
import { isWorkerOf, newJobId, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { jobSchema, jobSpecSchema } from '../../../src/runtime/protocol/job.ts';
import { LIMITS } from '../../../src/runtime/protocol/limits.ts';
import { refusalIn } from '../../../src/runtime/protocol/refusal.ts';
import { deriveSeed, randomSeed } from '../../../src/runtime/protocol/text.ts';
import { heartbeatSchema } from '../../../src/runtime/protocol/worker.ts';

const schemas = { jobEventSchema, jobSchema, jobSpecSchema, heartbeatSchema };

describe('decoding what comes over the bus', () => {
  test('never throws, whatever the bytes', () => {
    for (const schema of Object.values(schemas)) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          expect(decode(schema, bytes).ok).toBe(false);
        }),
      );
    }
  });

  test('never throws, whatever the JSON', () => {
    for (const schema of Object.values(schemas)) {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          const decoded = decode(schema, new TextEncoder().encode(JSON.stringify(value)));
          if (!decoded.ok) expect(decoded.reason).not.toBe('');
        }),
      );
    }
  });

  test('refuses what is over the limit before it reads it', () => {
    expect(decode(jobSpecSchema, new Uint8Array(LIMITS.messageBytes + 1))).toEqual({
      ok: false,
      reason: `is over ${LIMITS.messageBytes} bytes`,
    });
  });

  test('names the field that is wrong', () => {
    const spec = {
      id: newJobId(),
      input: { prompt: { form: 'raw', text: 'x' }, seed: randomSeed(), maxTokens: -1 },
    };
    const decoded = decode(jobSpecSchema, encode(spec));
    expect(decoded).toMatchObject({ ok: false, reason: expect.stringContaining('input.maxTokens') });
  });
});

test('a field that a message has is never missed, and its name in a text is none', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (message) => {
      const bytes = encode(message);
      for (const field of Object.keys(message)) {
        // The names of our own messages are plain words.
        if (/^\w+$/.test(field)) expect(mayHold(bytes, field)).toBe(true);
      }
    }),
  );
  expect(mayHold(encode({ text: '"artifact":' }), 'artifact')).toBe(false);
});

test('a refusal is known by the name of its field as it is written, and by no other spelling', () => {
  const refusal = '{"error":{"code":"usage","message":"No."}}';
  const told = (text: string) => refusalIn(new TextEncoder().encode(text))?.message;
  expect(told(refusal)).toBe('No.');
  expect(told(refusal.replace('error', '\\u0065rror'))).toBeUndefined();
  expect(told('{"text":"\\"error\\": none"}')).toBeUndefined();
  expect(told('{"inner":{"error":{"code":"usage","message":"No."}}}')).toBeUndefined();
});

test('encoding refuses what the bus would not take', () => {
  expect(() => encode({ text: 'x'.repeat(LIMITS.messageBytes) })).toThrow(AipgError);
});

const KEY = `U${'A'.repeat(55)}`;

describe('ids', () => {
  test('of jobs are 26 characters and do not repeat', () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => newJobId()));
    expect(ids.size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{26}$/);
  });

  test('of workers are made of any name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (name) => workerIdOf(name, KEY).length <= LIMITS.nameLength),
    );
    expect(workerIdOf('my box.local', KEY)).toBe('my-box-local-aaaaaaaaaaaa');
    expect(isWorkerOf(workerIdOf('my box.local', KEY), KEY)).toBe(true);
    expect(isWorkerOf(workerIdOf('my box.local', KEY), KEY.replace('UAA', 'UAB'))).toBe(false);
  });
});

test('a seed is made of a word, always the same', () => {
  expect(deriveSeed('7')).toBe(deriveSeed('7'));
  expect(deriveSeed('7')).not.toBe(deriveSeed('8'));
});

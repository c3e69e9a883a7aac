import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { resolvePaths } from '../../../src/runtime/config/paths.ts';
import { type Check, type Machine, runCheck } from '../../../src/runtime/doctor/check.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';

const MACHINE: Machine = {
  env: {},
  home: homedir(),
  paths: resolvePaths({}),
  version: '0.0.0',
  isTerminal: false,
  network: false,
};
const NEVER = new AbortController().signal;

function check(find: Check['find'], limitMs = 60_000): Check {
  return { subject: 'thing', limitMs, find };
}

test('a check gives what it finds, and how long it took', async () => {
  const finding = { subject: 'thing', status: 'ok', summary: 'fine' } as const;
  const { findings, tookMs } = await runCheck(
    check(async () => [finding]),
    MACHINE,
    NEVER,
  );
  expect(findings).toEqual([finding]);
  expect(tookMs).toBeGreaterThanOrEqual(0);
});

test('a check that throws is a broken thing, with the hint as the fix', async () => {
  const failing = check(async () => {
    throw new AipgError('bus-server-missing', 'It is gone.', { hint: 'Get it.' });
  });
  expect((await runCheck(failing, MACHINE, NEVER)).findings).toEqual([
    {
      subject: 'thing',
      status: 'broken',
      summary: 'It is gone',
      fix: 'Get it.',
      facts: { code: 'bus-server-missing' },
    },
  ]);
});

test('a check that throws at once, before it waits for anything, is one too', async () => {
  const failing = check(() => {
    throw new TypeError('no such thing');
  });
  expect((await runCheck(failing, MACHINE, NEVER)).findings).toMatchObject([
    { status: 'broken', summary: 'no such thing' },
  ]);
});

test('a check without end is stopped at its limit and told so by its signal', async () => {
  const told = Promise.withResolvers<unknown>();
  const endless = check((_, signal) => {
    signal.addEventListener('abort', () => told.resolve(signal.reason));
    return new Promise(() => undefined);
  }, 20);
  const { findings } = await runCheck(endless, MACHINE, NEVER);
  expect(findings).toMatchObject([
    { subject: 'thing', status: 'broken', summary: 'no answer within 0.02 s' },
  ]);
  expect(await told.promise).toBeInstanceOf(Error);
});

test('an interrupt ends it with the reason of the interrupt', async () => {
  const interrupt = new AbortController();
  const running = runCheck(
    check(() => new Promise(() => undefined)),
    MACHINE,
    interrupt.signal,
  );
  interrupt.abort(new Error('Ctrl-C'));
  await expect(running).rejects.toThrow('Ctrl-C');
});

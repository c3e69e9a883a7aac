import { expect, test } from 'vitest';
import { Sandbox } from '../support/aipg.ts';

test('a grid of this machine keeps a ledger when it is asked to, and from then on', {
  timeout: 120_000,
}, async () => {
  await using home = await Sandbox.create();
  const ask = ['gen', 'Tell me a story about a fox.', '--seed', '7', '--max-tokens', '24'];
  {
    await using up = await home.startUp(['--credits']);
    expect(up.url).toMatch(/^nats:/);
    expect(await home.aipg(ask)).toMatchObject({ exitCode: 0 });
    const balance = async () => JSON.parse((await home.aipg(['balance', '--json'])).stdout) as object;
    // What was held comes back a moment after the answer.
    await expect.poll(balance, { timeout: 20_000 }).toMatchObject({ available: 10_000_000, reserved: 0 });
    const verified = await home.aipg(['ledger', 'verify']);
    expect(verified).toMatchObject({ exitCode: 0 });
  }
  const refused = await home.aipg(['up', '--json', '--no-credits', '--threads', '1']);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
  expect(refused.stderr).toContain('has a ledger, which it keeps');
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueServerCertificate, newCertificateAuthority } from '../../src/runtime/identity/tls.ts';
import { ONE_THREAD, Sandbox, type ServedGrid } from '../support/aipg.ts';
import { freePort } from '../support/free-port.ts';

const QUESTION = ['Tell me a story about a fox.', '--seed', '7', '--max-tokens', '24'];

let operator: Sandbox;
let port: number;
let up: ServedGrid;

beforeAll(async () => {
  operator = await Sandbox.create();
  port = await freePort();
  const init = ['grid', 'init', 'home', '--url', `tls://127.0.0.1:${port}`, '--json'];
  expect(await operator.aipg(init)).toMatchObject({ exitCode: 0 });
  up = await operator.startUp(['--listen', `127.0.0.1:${port}`]);
});
afterAll(async () => {
  await up[Symbol.asyncDispose]();
  await operator[Symbol.asyncDispose]();
});

async function invitationFor(...args: string[]): Promise<string> {
  return (await operator.aipg(['grid', 'invite', ...args])).stdout;
}

describe('a grid behind TLS', () => {
  test('serves its operator, and a user and a worker from other homes', async () => {
    expect(up.url).toBe(`tls://127.0.0.1:${port}`);
    await using user = await Sandbox.create();
    await using home = await Sandbox.create();
    const joined = await user.aipg(['grid', 'join', '--json'], {
      input: await invitationFor('--role', 'user', '--account', 'bob'),
    });
    expect(JSON.parse(joined.stdout)).toMatchObject({
      url: up.url,
      accountName: 'bob',
      caFingerprint: expect.stringMatching(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
    await home.aipg(['grid', 'join'], {
      input: await invitationFor('--role', 'worker', '--account', 'alice'),
    });
    await using worker = home.serve(['worker', ...ONE_THREAD]);
    await worker.stderr.json(({ msg }) => msg === 'serving');
    const local = await user.aipg(['gen', '--grid', 'local', ...QUESTION]);
    expect((await user.aipg(['gen', ...QUESTION])).stdout).toBe(local.stdout);
    expect((await operator.aipg(['gen', ...QUESTION])).stdout).toBe(local.stdout);
  });

  test('is refused without its CA, with another one, and in the clear', async () => {
    await using stranger = await Sandbox.create();
    const unknown = await stranger.aipg(['gen', '--grid', up.url, ...QUESTION]);
    expect(unknown).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('does not trust') });
    const plain = await stranger.aipg(['gen', '--grid', up.url.replace('tls', 'nats'), ...QUESTION]);
    expect(plain).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('by TLS alone') });

    await stranger.aipg(['grid', 'join'], {
      input: await invitationFor('--role', 'user', '--account', 'eve'),
    });
    const { cert } = await newCertificateAuthority('home');
    await writeFile(join(stranger.paths.config, 'credentials', 'home.ca.pem'), cert);
    const wrong = await stranger.aipg(['gen', ...QUESTION]);
    expect(wrong).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('has not signed') });
  });

  test('is never opened in the clear', async () => {
    await using home = await Sandbox.create();
    await home.aipg(['grid', 'init', 'home', '--url', 'tls://10.0.0.1:4222']);
    const insecure = await home.aipg(['up', '--listen', '0.0.0.0:4222', '--insecure']);
    expect(insecure).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('never in the clear') });
  });
});

describe('aipg up', () => {
  test('takes a certificate of your own, of a CA that the invitations name', async () => {
    await using home = await Sandbox.create();
    const own = await freePort();
    const ca = await newCertificateAuthority('mine');
    const caFile = join(home.home, 'ca.pem');
    await writeFile(caFile, ca.cert);
    const { certFile, keyFile } = await issueServerCertificate(home.home, ca, ['localhost']);
    const url = `tls://localhost:${own}`;
    await home.aipg(['grid', 'init', 'mine', '--url', url, '--tls-ca', caFile]);
    const certificate = ['--tls-cert', certFile, '--tls-key', keyFile];
    const listen = ['--listen', `127.0.0.1:${own}`];
    const missing = await home.aipg(['up', ...listen]);
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--tls-cert FILE') });
    const mixed = await home.aipg(['up', ...listen, '--tls-cert', caFile, '--tls-key', keyFile]);
    expect(mixed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is not the key of') });
    await using _ = await home.startUp([...listen, ...certificate]);
    expect(await home.aipg(['gen', ...QUESTION])).toMatchObject({ exitCode: 0 });
  });

  test('moves a grid that was in the clear behind TLS when asked', async () => {
    await using home = await Sandbox.create();
    const own = await freePort();
    await home.aipg(['grid', 'init', 'home', '--url', `nats://127.0.0.1:${own}`]);
    await using moved = await home.startUp(['--listen', `127.0.0.1:${own}`, '--tls']);
    expect(moved.url).toBe(`tls://127.0.0.1:${own}`);
    expect(await home.aipg(['gen', ...QUESTION])).toMatchObject({ exitCode: 0 });
    expect(await home.aipg(['status', '--grid', 'home'])).toMatchObject({ exitCode: 0 });
  });
});

import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AipgOptions, Sandbox } from '../support/aipg.ts';

interface Finding {
  readonly subject: string;
  readonly status: 'ok' | 'warning' | 'broken';
  readonly summary: string;
  readonly fix: string | null;
  readonly facts: Record<string, unknown>;
}

/** What `doctor --json` says, by subject. */
async function examine(home: Sandbox, options: AipgOptions = {}, args: readonly string[] = []) {
  const { stdout, stderr, exitCode } = await home.aipg(['doctor', '--json', ...args], options);
  expect(stderr).toBe('');
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
  return {
    ok,
    exitCode,
    stdout,
    findings,
    of: (subject: string) => findings.find((f) => f.subject === subject),
  };
}

describe.concurrent('on a healthy machine', () => {
  test('all is usable, and the bundled model really answers', async () => {
    await using home = await Sandbox.create();
    const { ok, exitCode, findings, of } = await examine(home);
    expect(findings.filter(({ status }) => status === 'broken')).toEqual([]);
    expect({ ok, exitCode }).toEqual({ ok: true, exitCode: 0 });
    expect(of('model')?.facts).toMatchObject({ name: 'aipg-tiny', threads: expect.any(Number) });
    expect(of('model')?.facts['tokensPerSecond']).toBeGreaterThan(0);
    expect(of('engine')?.facts).toMatchObject({ build: 'cpu' });
    expect(of('nats-server')?.facts).toMatchObject({ source: 'env', version: expect.any(String) });
    expect(of('hub')?.facts).toMatchObject({ hasToken: false, offline: false });
    expect(of('network')).toBeUndefined();
  });

  test('people get a line for each thing, without colours in a pipe', async () => {
    await using home = await Sandbox.create();
    const { stdout, stderr, exitCode } = await home.aipg(['doctor'], { env: { SHELL: '/bin/zsh' } });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(/^✔ aipg .*Node \d/m);
    expect(stdout).toMatch(/^✔ model .*aipg-tiny answers, \d+ tokens\/s/m);
    expect(stdout).toMatch(/^! completion .*zsh\n.*→ .*aipg completion zsh/m);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/\nAll is usable, \d to improve\.\n$/);
  });

  test('a running grid is visited', async () => {
    await using home = await Sandbox.create();
    await using up = await home.startUp();
    const { ok, of } = await examine(home);
    expect(ok).toBe(true);
    expect(of('this machine')).toMatchObject({
      status: 'ok',
      facts: { url: up.url, directors: 1, workers: 1, models: ['aipg-tiny'] },
    });
    expect(Math.abs(of('this machine')?.facts['clockSkewMs'] as number)).toBeLessThan(5_000);
  });
});

describe.concurrent('what is broken is told with what to do, and with exit code 1', () => {
  test('a file where a folder should be', async () => {
    await using home = await Sandbox.create();
    await mkdir(dirname(home.paths.data), { recursive: true });
    await writeFile(home.paths.data, '');
    const { ok, exitCode, of } = await examine(home);
    expect({ ok, exitCode }).toEqual({ ok: false, exitCode: 1 });
    expect(of('data folder')).toMatchObject({
      status: 'broken',
      summary: expect.stringContaining(home.paths.data),
    });
    expect(of('data folder')?.fix).toContain('mv ');
    expect(of('settings folder')?.status).toBe('ok');
  });

  test('a program that is no nats-server', async () => {
    await using home = await Sandbox.create();
    const { exitCode, of } = await examine(home, { env: { AIPG_NATS_SERVER: '/bin/echo' } });
    expect(exitCode).toBe(1);
    expect(of('nats-server')).toMatchObject({
      status: 'broken',
      summary: expect.stringContaining('/bin/echo'),
      fix: expect.stringContaining('AIPG_NATS_SERVER'),
    });
  });

  test('a default grid that is not there; another one is only a warning; no password is shown', async () => {
    await using home = await Sandbox.create();
    await home.aipg(['grid', 'add', 'main', 'nats://me:s3cret@127.0.0.1:1']);
    await home.aipg(['grid', 'add', 'other', 'nats://127.0.0.1:1']);
    const { exitCode, stdout, of } = await examine(home, { env: { HF_TOKEN: 'hf_s3cret' } });
    expect(exitCode).toBe(1);
    expect(of('grid main')).toMatchObject({ status: 'broken', fix: expect.stringContaining('aipg grid ls') });
    expect(of('grid other')?.status).toBe('warning');
    expect(of('hub')?.facts).toMatchObject({ hasToken: true });
    expect(stdout).not.toContain('s3cret');
  });

  test('settings that cannot be read', async () => {
    await using home = await Sandbox.create();
    await mkdir(home.paths.config, { recursive: true });
    await writeFile(join(home.paths.config, 'config.json'), '{');
    const { exitCode, of } = await examine(home);
    expect(exitCode).toBe(1);
    expect(of('grids')).toMatchObject({ status: 'broken', summary: expect.stringContaining('config.json') });
  });

  test('a hub out of reach, but only when it is asked for', async () => {
    await using home = await Sandbox.create();
    const env = { HF_ENDPOINT: 'http://127.0.0.1:1' };
    const [quiet, asked] = await Promise.all([examine(home, { env }), examine(home, { env }, ['--network'])]);
    expect(quiet.exitCode).toBe(0);
    expect(asked.exitCode).toBe(1);
    expect(asked.of('network')).toMatchObject({
      status: 'broken',
      summary: expect.stringContaining('127.0.0.1:1'),
    });
  });
});

test('a hub that answers is well, and is asked nothing without --network', async () => {
  await using home = await Sandbox.create();
  const asked: string[] = [];
  const hub = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('[]');
  }).listen(0, '127.0.0.1');
  await once(hub, 'listening');
  const env = { HF_ENDPOINT: `http://127.0.0.1:${(hub.address() as AddressInfo).port}` };
  await examine(home, { env });
  expect(asked).toEqual([]);
  expect((await examine(home, { env }, ['--network'])).of('network')?.status).toBe('ok');
  expect(asked).toEqual(['/api/models?limit=1']);
  hub.close();
});

test('an unfinished download is told', async () => {
  await using home = await Sandbox.create();
  const blobs = join(home.home, 'cache/huggingface/hub/models--acme--fox/blobs');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(blobs, 'abc.host-1-00000000.incomplete'), 'x');
  const { exitCode, of } = await examine(home);
  expect(exitCode).toBe(0);
  expect(of('models')).toMatchObject({ status: 'warning', facts: { unfinishedDownloads: 1 } });
});

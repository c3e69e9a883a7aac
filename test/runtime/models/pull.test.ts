import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { HubRefusal } from '../../../src/runtime/models/hub-errors.ts';
import { locatedFile } from '../../../src/runtime/models/located-file.ts';
import { type PullPlan, planPull } from '../../../src/runtime/models/plan-pull.ts';
import { type PullOptions, type PullProgress, pullModel } from '../../../src/runtime/models/pull.ts';
import { type HubReference, parseModelReference } from '../../../src/runtime/models/reference.ts';
import { resolveModel } from '../../../src/runtime/models/resolve.ts';
import { combineSha256 } from '../../../src/runtime/models/sha256.ts';
import { type ModelFile, sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { FakeHub, type FakeHubOptions, HUB_COMMIT, isOfHub, sha256 } from '../../support/hub.ts';
import { failureOf, fakeGguf, Sandbox, tinyModel } from './sandbox.ts';

const TINY = await tinyModel();
const REPO = 'org/tiny-GGUF';
const REFERENCE = `hf:${REPO}:F16`;

describe('a reference to the hub', () => {
  it('is downloaded into the standard cache, once', async () => {
    await using world = await start();
    const model = await world.pull(REFERENCE);
    expect(model).toEqual({ name: `${REPO}:F16`, path: model.path, sha256: sha256(TINY) });
    expect(sha256(await readFile(model.path))).toBe(sha256(TINY));
    expect(await world.cachedFiles()).toEqual([
      `blobs/${sha256(TINY)}`,
      'refs/main',
      `snapshots/${HUB_COMMIT}/tiny-f16.gguf`,
    ]);
    expect(await readFile(join(world.folder, 'refs/main'), 'utf8')).toBe(HUB_COMMIT);
    const asked = world.hub.requests.length;
    for (const text of [REFERENCE, `${REPO}:f16`, `hf:${REPO}`]) {
      expect(await resolveModel(text, world.sandbox)).toEqual(model);
    }
    expect(world.hub.requests).toHaveLength(asked);
  });

  it('tells progress up to the end', async () => {
    await using world = await start();
    const seen: PullProgress[] = [];
    await world.pull(REFERENCE, { onProgress: (progress) => seen.push(progress) });
    expect(seen[0]).toEqual({ part: 1, parts: 1, receivedBytes: 0, totalBytes: TINY.length });
    expect(seen.at(-1)?.receivedBytes).toBe(TINY.length);
    expect(seen.map((p) => p.receivedBytes)).toEqual(
      seen.map((p) => p.receivedBytes).toSorted((a, b) => a - b),
    );
  });

  it('prints nothing', async () => {
    await using world = await start();
    const spies = [vi.spyOn(process.stdout, 'write'), vi.spyOn(console, 'debug'), vi.spyOn(console, 'log')];
    await world.pull(REFERENCE);
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('chooses by quant, by file, by base name; else Q4_K_M or the only one', async () => {
    await using world = await start({
      repos: {
        'org/many': {
          'a-Q8_0.gguf': fakeGguf('a8'),
          'mmproj-F16.gguf': fakeGguf('eyes'),
          'README.md': Buffer.from('hello'),
          'sub dir/a-Q4_K_M #1.gguf': fakeGguf('a4'),
        },
        'org/one': { 'only.gguf': fakeGguf('one') },
      },
      pageSize: 1,
    });
    expect(await world.pull('hf:org/many')).toMatchObject({
      name: 'org/many:Q4_K_M',
      sha256: sha256(fakeGguf('a4')),
    });
    expect((await world.pull('hf:org/many:q8_0')).sha256).toBe(sha256(fakeGguf('a8')));
    expect((await world.pull('hf:org/many:a-Q8_0.gguf')).sha256).toBe(sha256(fakeGguf('a8')));
    expect((await world.pull('hf:org/many:a-Q4_K_M #1.gguf')).sha256).toBe(sha256(fakeGguf('a4')));
    expect((await world.pull('hf:org/one')).name).toBe('org/one:only.gguf');
    expect(world.hub.count('tree')).toBeGreaterThanOrEqual(8);
  });

  it('that leaves a choice, or names what is not there, lists what is', async () => {
    await using world = await start({
      repos: {
        'org/many': {
          'a-Q8_0.gguf': fakeGguf('1'),
          'a-Q5_K_M.gguf': fakeGguf('2'),
          'x-Q6_K.gguf': fakeGguf('3'),
          'y-Q6_K.gguf': fakeGguf('4'),
        },
        'org/none': { 'model.safetensors': Buffer.from('x') },
      },
    });
    const errorOf = (text: string) => failureOf(world.pull(text));
    expect(await errorOf('hf:org/many')).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('Q5_K_M, Q6_K, Q8_0'),
    });
    expect(await errorOf('hf:org/many:Q5_K_N')).toMatchObject({
      code: 'model-not-found',
      hint: expect.stringContaining('Did you mean Q5_K_M'),
    });
    expect(await errorOf('hf:org/many:Q6_K')).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('x-Q6_K.gguf, y-Q6_K.gguf'),
    });
    expect(await errorOf('hf:org/many:b-Q8_0.gguf')).toMatchObject({
      code: 'model-not-found',
      hint: 'Did you mean a-Q8_0.gguf?',
    });
    expect((await errorOf('hf:org/none')).hint).toContain('none-GGUF');
  });

  it('downloads every part of a split model', async () => {
    const parts = [fakeGguf('1'), fakeGguf('2')];
    await using world = await start({
      repos: {
        [REPO]: Object.fromEntries(parts.map((part, i) => [`Q8_0/m-0000${i + 1}-of-00002.gguf`, part])),
      },
    });
    const model = await world.pull(`hf:${REPO}:Q8_0`);
    expect(model.path).toMatch(/m-00001-of-00002\.gguf$/);
    expect(await readFile(model.path.replace('00001-of', '00002-of'))).toEqual(parts[1]);
    expect(model.sha256).toBe(combineSha256(parts.map((part) => sha256Schema.parse(sha256(part)))));
  });

  it('that git itself holds is verified by its git hash', async () => {
    await using world = await start({
      repos: { [REPO]: { 'tiny-f16.gguf': TINY } },
      plain: ['tiny-f16.gguf'],
    });
    expect((await world.pull(REFERENCE)).sha256).toBe(sha256(TINY));
    await using broken = await start({
      repos: { [REPO]: { 'tiny-f16.gguf': TINY } },
      plain: ['tiny-f16.gguf'],
    });
    broken.hub.fail('resolve', { corrupt: true });
    expect((await failureOf(broken.pull(REFERENCE))).code).toBe('model-invalid');
  });

  it('sends the token to the hub, and to nobody else', async () => {
    await using world = await start({ repos: { [REPO]: { 'tiny-f16.gguf': TINY } }, token: 'mirror-secret' });
    await world.pull(REFERENCE, { env: { ...world.env, HF_TOKEN: 'mirror-secret' } });
    expect(world.hub.count('cdn')).toBeGreaterThan(0);
    for (const { route, authorization } of world.hub.requests) {
      expect(authorization).toBe(isOfHub(route) ? 'Bearer mirror-secret' : undefined);
    }
  });

  it('comes by Xet where the hub offers it, and goes on after a cut', async () => {
    await using world = await start({
      repos: { [REPO]: { 'tiny-f16.gguf': TINY } },
      token: 'secret',
      xet: true,
    });
    const env = { ...world.env, HF_TOKEN: 'secret' };
    const plan = await world.plan(REFERENCE, { env });
    world.hub.fail('xet-data', { cutAfter: 1_000_000 }, 2);
    const { path } = await world.download(plan, { env });
    expect(sha256(await readFile(path))).toBe(sha256(TINY));
    expect(world.hub.count('xet-data')).toBeGreaterThan(1);
    expect(world.hub.count('cdn')).toBe(0);
    for (const { route, authorization } of world.hub.requests) {
      if (route.startsWith('xet-') && !isOfHub(route)) expect(authorization).not.toBe('Bearer secret');
    }
  });
});

describe('a download that goes wrong', () => {
  it('goes on where the connection was cut', async () => {
    await using world = await start();
    const plan = await world.plan(REFERENCE);
    world.hub.fail('cdn', { cutAfter: 500_000 }, 3);
    expect(sha256(await readFile((await world.download(plan)).path))).toBe(sha256(TINY));
    const resumed = world.hub.requests.filter(({ range }) => /^bytes=[1-9]/.test(range ?? ''));
    expect(resumed.length).toBeGreaterThan(0);
  });

  it('gives up on a hub that always cuts, and uses nothing of it', async () => {
    await using world = await start();
    world.hub.fail('cdn', { cutAfter: 0 });
    const error = await failureOf(world.pull(REFERENCE));
    expect(error).toMatchObject({
      code: 'model-not-found',
      message: expect.stringContaining("can't be reached"),
    });
    expect(await world.cachedFiles()).toEqual([]);
    const env = { ...world.env, HF_HUB_OFFLINE: '1' };
    expect((await failureOf(world.pull(REFERENCE, { env }))).message).toContain('HF_HUB_OFFLINE');
    expect((await failureOf(resolveModel(REFERENCE, { ...world.sandbox, env }))).message).toContain(
      'HF_HUB_OFFLINE',
    );
  });

  it('continues what a process that died has left', async () => {
    await using world = await start();
    const left = `${sha256(TINY)}.${hostname()
      .replace(/[^A-Za-z0-9]+/g, '_')
      .slice(0, 40)}-${process.pid}-0badcafe.incomplete`;
    await world.write(`blobs/${left}`, TINY.subarray(0, 1_000_000));
    await world.pull(REFERENCE);
    expect(world.hub.requests.map(({ range }) => range)).toContain(`bytes=1000000-${TINY.length - 1}`);
    expect((await world.cachedFiles()).filter((file) => file.includes('incomplete'))).toEqual([]);
  });

  it('starts over when what was left is torn', async () => {
    await using world = await start();
    const left = `${sha256(TINY)}.${hostname()
      .replace(/[^A-Za-z0-9]+/g, '_')
      .slice(0, 40)}-${process.pid}-0badcafe.incomplete`;
    await world.write(`blobs/${left}`, Buffer.alloc(TINY.length));
    expect(sha256(await readFile((await world.pull(REFERENCE)).path))).toBe(sha256(TINY));
  });

  it('refuses damaged content and removes it', async () => {
    await using world = await start();
    world.hub.fail('cdn', { corrupt: true });
    const error = await failureOf(world.pull(REFERENCE));
    expect(error.code).toBe('model-invalid');
    expect(await world.cachedFiles()).toEqual([]);
  });

  it.each([
    ['info', 401, /gated or private/, /HF_TOKEN/],
    ['resolve', 403, /gated or private/, /HF_TOKEN/],
    ['info', 404, /no such repository or file/, /spelling/],
    ['tree', 429, /refuses more requests/, /HF_TOKEN/],
    ['info', 500, /failed \(500\)/, /later/],
  ] as const)('says what %s %i means and what to do', async (route, status, message, hint) => {
    await using world = await start();
    world.hub.fail(route, { status });
    const error = await failureOf(world.pull(REFERENCE));
    expect(error.code).toBe('model-not-found');
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(await world.cachedFiles()).toEqual([]);
  });

  it.each(['info', 'tree', 'resolve', 'cdn'] as const)('asks %s again after 429 and 500', async (route) => {
    await using world = await start();
    world.hub.fail(route, { status: 429 }, 1);
    world.hub.fail(route, { status: 500 }, 1);
    expect((await world.pull(REFERENCE)).sha256).toBe(sha256(TINY));
  });

  it('says so when nobody listens there, and when the address is none', async () => {
    await using world = await start();
    await world.hub[Symbol.asyncDispose]();
    const error = await failureOf(world.pull(REFERENCE));
    expect(error.message).toMatch(/can't be reached .*ECONNREFUSED/);
    expect(error.hint).toContain('HF_ENDPOINT');
    const nowhere = { env: { ...world.env, HF_ENDPOINT: 'nowhere' } };
    expect((await failureOf(world.pull(REFERENCE, nowhere))).code).toBe('usage');
  });

  it('waits as long as the hub asks, by seconds or by date', async () => {
    await using world = await start();
    world.hub.fail('info', { status: 429, retryAfter: '1' }, 1);
    world.hub.fail('tree', { status: 503, retryAfter: new Date(0).toUTCString() }, 1);
    const waits: number[] = [];
    const model = await world.pull(REFERENCE, { onRetry: (ms) => waits.push(ms) });
    expect(model.sha256).toBe(sha256(TINY));
    expect(waits).toEqual([1_000, 0]);
    const later = new Response(null, {
      status: 503,
      headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:42 GMT' },
    });
    expect(HubRefusal.of(later, 2_000)?.retryAfterMs).toBe(40_000);
    expect(HubRefusal.of(new Response(null, { status: 429 }))).toBeUndefined();
  });

  it('does not wait for longer than a minute, but says how long the hub asks for', async () => {
    await using world = await start();
    world.hub.fail('info', { status: 429, retryAfter: '3600' });
    const error = await failureOf(world.pull(REFERENCE));
    expect(error.message).toContain('refuses more requests');
    expect(error.hint).toContain('60 minutes');
    expect(world.hub.count('info')).toBe(1);
  });

  it('is cancelled at once, and continued another time', async () => {
    await using world = await start();
    const controller = new AbortController();
    const error = await failureOf(
      world.pull(REFERENCE, {
        signal: controller.signal,
        onProgress: ({ receivedBytes }) => receivedBytes > 0 && controller.abort(),
      }),
    );
    expect(error.code).toBe('cancelled');
    expect((await world.cachedFiles()).filter((file) => !file.endsWith('.incomplete'))).toEqual([]);
    expect((await world.pull(REFERENCE)).sha256).toBe(sha256(TINY));
  });

  it('says so when it is the disk that fails', async () => {
    await using world = await start();
    await world.sandbox.write('file', '');
    const env = { ...world.env, HF_HUB_CACHE: join(world.sandbox.root, 'file') };
    const error = await failureOf(world.pull(REFERENCE, { env }));
    expect(error).toMatchObject({ code: 'internal', hint: expect.stringContaining('HF_HUB_CACHE') });
  });

  it('never mixes with another of the same file', async () => {
    await using world = await start();
    const models = await Promise.all([1, 2, 3].map(() => world.pull(REFERENCE)));
    expect(new Set(models.map((model) => model.path)).size).toBe(1);
    expect(sha256(await readFile(models[0]?.path ?? ''))).toBe(sha256(TINY));
    expect((await world.cachedFiles()).filter((file) => file.includes('incomplete'))).toEqual([]);
  });

  it.each([
    '../../../evil-f16.gguf',
    '/evil-f16.gguf',
    'a/../../evil-f16.gguf',
    'a\\..\\evil-f16.gguf',
    'evil\u001b]0;-f16.gguf',
  ])('takes %j of a listing for no file', async (path) => {
    await using world = await start({ repos: { [REPO]: { [path]: TINY } } });
    const error = await failureOf(world.pull(REFERENCE));
    expect(error).toMatchObject({
      code: 'model-not-found',
      message: expect.stringContaining('no GGUF model'),
    });
    expect(world.hub.count('resolve')).toBe(0);
    expect(await readdir(world.sandbox.root)).not.toContain('evil-f16.gguf');
  });
});

describe('the local hub', () => {
  it('is one that the library itself can download from', async () => {
    await using world = await start();
    const { downloadFileToCacheDir } = await import('@huggingface/hub');
    const debug = vi.spyOn(console, 'debug').mockReturnValue();
    const path = await downloadFileToCacheDir({
      repo: REPO,
      path: 'tiny-f16.gguf',
      hubUrl: world.hub.url,
      cacheDir: world.sandbox.hubCache,
    });
    debug.mockRestore();
    expect(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ).toBe(sha256(TINY));
    const asked = world.hub.requests.length;
    expect((await resolveModel(REFERENCE, world.sandbox)).path).toBe(path);
    expect(world.hub.requests).toHaveLength(asked);
  });
});

interface World extends AsyncDisposable {
  readonly hub: FakeHub;
  readonly sandbox: Sandbox;
  readonly env: NodeJS.ProcessEnv;
  /** Of REPO, in the cache. */
  readonly folder: string;
  plan(text: string, options?: Partial<PullOptions>): Promise<PullPlan>;
  download(plan: PullPlan, options?: Partial<PullOptions>): Promise<ModelFile>;
  pull(text: string, options?: Partial<PullOptions>): Promise<ModelFile>;
  cachedFiles(): Promise<string[]>;
  write(path: string, content: Buffer): Promise<void>;
}

async function start(
  hubOptions: FakeHubOptions = { repos: { [REPO]: { 'tiny-f16.gguf': TINY } } },
): Promise<World> {
  const hub = await FakeHub.start(hubOptions);
  const sandbox = await Sandbox.create();
  const env = { ...sandbox.env, HF_ENDPOINT: hub.url };
  const options = { env, retryWaitsMs: [0, 0, 0] };
  const folder = join(sandbox.hubCache, `models--${REPO.replace('/', '--')}`);
  const plan: World['plan'] = (text, more) =>
    planPull(parseModelReference(text) as HubReference, { ...options, ...more });
  const download: World['download'] = async (planned, more) =>
    locatedFile(await pullModel(planned, { ...options, ...more }), { cacheDir: sandbox.cacheDir });
  return {
    hub,
    sandbox,
    env,
    folder,
    plan,
    download,
    pull: async (text, more) => download(await plan(text, more), more),
    async cachedFiles() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .sort();
    },
    async write(path, content) {
      await sandbox.write(join(folder, path).slice(sandbox.root.length + 1), content);
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}

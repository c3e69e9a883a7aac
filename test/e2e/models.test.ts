import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGpuFacts } from '../../src/runtime/cache/gpu-facts.ts';
import { machineFingerprint } from '../../src/runtime/cache/machine.ts';
import { type AipgOptions, ONE_THREAD, Sandbox, TINY_MODEL } from '../support/aipg.ts';
import { FakeHub, type FakeHubOptions, HUB_COMMIT, isOfHub, sha256 } from '../support/hub.ts';

const TINY = await readFile(TINY_MODEL);
const Q8 = await readFile(join(import.meta.dirname, '../fixtures/aipg-tiny-q8.gguf'));
const REPO = 'org/tiny-GGUF';
const FILES = {
  'tiny-F16.gguf': TINY,
  'tiny-Q8_0.gguf': Q8,
  'mmproj-F16.gguf': Q8,
  'README.md': Buffer.from('hello'),
};
const MODEL = `hf:${REPO}:F16`;

/** A home with a hub to download from. */
class World implements AsyncDisposable {
  readonly home: Sandbox;
  readonly hub: FakeHub;

  private constructor(home: Sandbox, hub: FakeHub) {
    this.home = home;
    this.hub = hub;
  }

  static async start(options: Partial<FakeHubOptions> = {}): Promise<World> {
    const hub = await FakeHub.start({ repos: { [REPO]: FILES }, ...options });
    return new World(await Sandbox.create(), hub);
  }

  aipg(args: readonly string[], options: AipgOptions = {}) {
    return this.home.aipg(args, this.with(options));
  }

  /** A command's one object on stdout. */
  async json<T = Record<string, unknown>>(args: readonly string[], options?: AipgOptions): Promise<T> {
    const { stdout, stderr, exitCode } = await this.aipg([...args, '--json'], options);
    if (exitCode !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as T;
  }

  with({ env, ...rest }: AipgOptions = {}): AipgOptions {
    return { ...rest, env: { HF_ENDPOINT: this.hub.url, ...env } };
  }

  /** Of the hub's repository, within the standard cache. */
  get folder(): string {
    return join(
      this.home.env['XDG_CACHE_HOME'] ?? '',
      'huggingface/hub',
      `models--${REPO.replace('/', '--')}`,
    );
  }

  async blobs(): Promise<string[]> {
    return (await readdir(join(this.folder, 'blobs')).catch(() => [])).sort();
  }

  /** What a download that ended before its end has left. */
  async leftover(): Promise<{ name: string; bytes: number }> {
    const [name = '', ...more] = (await this.blobs()).filter((blob) => blob.endsWith('.incomplete'));
    if (name === '' || more.length > 0) throw new Error(`Not one leftover: ${await this.blobs()}`);
    return { name, bytes: (await stat(join(this.folder, 'blobs', name))).size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

describe('aipg models pull', () => {
  test('says what it will take before it begins, how far it is, and where the model is', async () => {
    await using world = await World.start({ tags: ['gguf', 'license:apache-2.0'] });
    const { stdout, stderr, exitCode } = await world.aipg(['models', 'pull', MODEL]);
    expect(exitCode).toBe(0);
    const path = join(world.folder, 'snapshots', HUB_COMMIT, 'tiny-F16.gguf');
    expect(stdout).toBe(`${path}\n`);
    expect(await readFile(path)).toEqual(TINY);
    expect(stderr).toMatch(/1\.9M parameters, llama, F16/);
    expect(stderr).toMatch(/2048 tokens/);
    expect(stderr).toMatch(/3\.8 MB, \d+(\.\d+)? \wB free on the disk/);
    expect(stderr).toMatch(/13\.7 MB at a context of 2048 tokens/);
    expect(stderr).toMatch(/fits in memory/);
    const lines = stderr.split('\n');
    const start = lines.findIndex((line) => line.startsWith('Downloading'));
    expect(lines.findIndex((line) => line.includes('fits in memory'))).toBeLessThan(start);
    const steps = lines.slice(start).filter((line) => /^\d+ %, .* of 3\.8 MB/.test(line));
    expect(steps.length).toBeGreaterThan(3);
    expect(steps.length).toBeLessThan(10);
    expect(stderr).toMatch(/Done: 3\.8 MB in .*checked/);
    expect(stderr).not.toContain('\u001b');
  });

  test('reads the header by a range request and fetches nothing else to do so', async () => {
    await using world = await World.start({ claimedBytes: { 'tiny-F16.gguf': 5e15 } });
    const { exitCode, stderr } = await world.aipg(['models', 'pull', MODEL]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/does not fit in memory/);
    expect(stderr).toMatch(/needs 5000000\.0 GB more on the disk of .*, which has \d+\.\d GB free/);
    expect(stderr).toContain('HF_HUB_CACHE');
    expect(world.hub.rangesSince(0)).toEqual([`bytes=0-${512 * 1_024 - 1}`]);
    expect(await world.blobs()).toEqual([]);
  });

  test('tells programs all of it, and the second time that it was here', async () => {
    await using world = await World.start();
    const first = await world.json(['models', 'pull', `hf:${REPO}:tiny-Q8_0.gguf`]);
    expect(first).toMatchObject({
      name: `${REPO}:Q8_0`,
      reference: `hf:${REPO}:tiny-Q8_0.gguf`,
      commit: HUB_COMMIT,
      bytes: Q8.length,
      receivedBytes: Q8.length,
      alreadyHere: false,
      parts: [{ path: 'tiny-Q8_0.gguf', bytes: Q8.length, sha256: sha256(Q8) }],
      parameters: 1_906_400,
      quant: 'Q8_0',
      contextSize: 2_048,
      license: 'mit',
      memory: { contextSize: 2_048, slots: 1, fit: 'fits' },
    });
    const asked = world.hub.requests.length;
    const second = await world.json(['models', 'pull', `hf:${REPO}:Q8_0`, '--context', '512']);
    expect(second).toMatchObject({ alreadyHere: true, receivedBytes: 0, memory: { contextSize: 512 } });
    expect(second['path']).toBe(first['path']);
    expect(world.hub.rangesSince(asked)).toEqual([]);
  });

  test('downloads a split model as one, in one progress', async () => {
    const parts = Object.fromEntries(
      [1, 2, 3].map((n) => [`m-Q8_0-0000${n}-of-00003.gguf`, n === 1 ? TINY : Q8]),
    );
    await using world = await World.start({ repos: { [REPO]: parts } });
    const { exitCode, stderr } = await world.aipg(['models', 'pull', `hf:${REPO}`]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/8\.0 MB, 3 parts/);
    expect(stderr.match(/^Downloading/gm)).toHaveLength(1);
    const shares = [...stderr.matchAll(/^(\d+) %/gm)].map(([, share]) => Number(share));
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    const { models } = await world.json<{ models: Record<string, unknown>[] }>(['models']);
    expect(models[1]).toMatchObject({ name: `${REPO}:Q8_0`, parts: 3, bytes: TINY.length + 2 * Q8.length });
  });

  test('goes on where the connection was cut', async () => {
    await using world = await World.start();
    world.hub.fail('cdn', { cutAfter: 1_000_000 }, 4);
    expect((await world.aipg(['models', 'pull', MODEL])).exitCode).toBe(0);
    expect(world.hub.rangesSince(0).some((range) => /^bytes=[1-9]/.test(range))).toBe(true);
    expect(await world.blobs()).toEqual([sha256(TINY)]);
  });

  test('killed with SIGKILL, is continued by the next at the byte where it stopped', async () => {
    await using world = await World.start();
    world.hub.fail('cdn', { stallAfter: 2_000_000 });
    await using pull = world.home.serve(['models', 'pull', MODEL], world.with());
    await pull.stderr.until((line) => /^[45]\d %/.test(line));
    const { signal } = await pull.stop('SIGKILL');
    expect(signal).toBe('SIGKILL');
    const { bytes } = await world.leftover();
    expect(bytes).toBeGreaterThan(1_500_000);
    expect(bytes).toBeLessThanOrEqual(2_000_000);
    const { models } = await world.json<{ models: unknown[] }>(['models']);
    expect(models).toHaveLength(1);
    const unfinished = await world.aipg(['gen', '-m', MODEL, 'x']);
    expect(unfinished.exitCode).toBe(3);

    world.hub.heal();
    const asked = world.hub.requests.length;
    const { receivedBytes } = await world.json(['models', 'pull', MODEL]);
    expect(receivedBytes).toBe(TINY.length - bytes);
    expect(world.hub.rangesSince(asked)).toEqual([
      `bytes=0-${512 * 1_024 - 1}`,
      `bytes=${bytes}-${TINY.length - 1}`,
    ]);
    expect(await world.blobs()).toEqual([sha256(TINY)]);
    const answer = await world.aipg([
      'gen',
      ...ONE_THREAD,
      '-m',
      MODEL,
      '--seed',
      '7',
      'What is the capital of France?',
    ]);
    expect(answer.stdout).toBe('The capital of France is Paris.\n');
  });

  test('on a disk that is full says so, uses nothing of it, and goes on when there is room', async () => {
    await using world = await World.start();
    // No file may grow beyond 2,000 KiB: the write fails as on a full disk.
    const { exitCode, stderr } = await world.home.bash(
      `ulimit -f 2000; HF_ENDPOINT=${world.hub.url} aipg models pull ${MODEL} --json`,
    );
    expect(exitCode).toBe(3);
    const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as {
      error: Record<string, string>;
    };
    expect(error).toMatchObject({ code: 'disk-full', hint: expect.stringContaining('HF_HUB_CACHE') });
    const { bytes } = await world.leftover();
    expect(bytes).toBe(2_000 * 1_024);
    const asked = world.hub.requests.length;
    expect((await world.aipg(['models', 'pull', MODEL])).exitCode).toBe(0);
    expect(world.hub.rangesSince(asked).at(-1)).toBe(`bytes=${bytes}-${TINY.length - 1}`);
    expect(await world.blobs()).toEqual([sha256(TINY)]);
  });

  test('of content that has another hash is refused, and leaves nothing', async () => {
    await using world = await World.start();
    world.hub.fail('cdn', { corrupt: true });
    const { exitCode, stderr } = await world.aipg(['models', 'pull', MODEL]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/came damaged: its hash is not the one that the hub lists/);
    expect(await world.blobs()).toEqual([]);
    expect(existsSync(join(world.folder, 'snapshots'))).toBe(false);
  });

  test('sends the token to the hub, and never to the CDN that it sends to', async () => {
    await using world = await World.start({ token: 'hf_secret' });
    const refused = await world.aipg(['models', 'pull', MODEL]);
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toMatch(/no access to .*401.*gated or private/);
    expect(refused.stderr).toContain('HF_TOKEN');
    const { exitCode, stdout, stderr } = await world.aipg(['models', 'pull', MODEL], {
      env: { HF_TOKEN: 'hf_secret' },
    });
    expect(exitCode).toBe(0);
    expect(stdout + stderr).not.toContain('hf_secret');
    expect(world.hub.rangesSince(0).length).toBeGreaterThan(1);
    for (const { route, authorization } of world.hub.requests) {
      if (!isOfHub(route)) expect(authorization).toBeUndefined();
    }
  });

  test.for([
    [401, /gated or private/, /HF_TOKEN/],
    [403, /gated or private/, /Ask for access at http/],
    [404, /no such repository or file/, /spelling/],
  ] as const)('a %i is told at once, with what to do', async ([status, message, hint]) => {
    await using world = await World.start();
    world.hub.fail('info', { status });
    const { exitCode, stderr } = await world.aipg(['models', 'pull', MODEL]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(hint);
    expect(world.hub.count('info')).toBe(1);
  });

  test.for([429, 500, 503])('a %i is asked again, after as long as the hub wants', async (status) => {
    await using world = await World.start();
    world.hub.fail('info', { status, retryAfter: '1' }, 1);
    world.hub.fail('cdn', { status, retryAfter: '0' }, 1);
    const startedAt = performance.now();
    const { exitCode, stderr } = await world.aipg(['models', 'pull', MODEL]);
    expect(exitCode).toBe(0);
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
    expect(stderr).toContain('asking again in 1.0 s');
    expect(world.hub.count('info')).toBe(2);
  });

  test('offline, asks nobody', async () => {
    await using world = await World.start();
    const { exitCode, stderr } = await world.aipg(['models', 'pull', MODEL], {
      env: { HF_HUB_OFFLINE: '1' },
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('HF_HUB_OFFLINE');
    expect(world.hub.requests).toEqual([]);
  });

  test('puts the model where HF_HOME says', async () => {
    await using world = await World.start();
    const HF_HOME = join(world.home.home, 'hf');
    const { path } = await world.json(['models', 'pull', MODEL], { env: { HF_HOME } });
    expect(String(path)).toMatch(new RegExp(`^${HF_HOME}/hub/models--org--tiny-GGUF/snapshots/`));
  });

  test('of what is no model is refused before the download', async () => {
    await using world = await World.start({
      repos: { [REPO]: { 'tiny-F16.gguf': Buffer.alloc(2_000_000, 'GGUF\u0003\0\0\0') } },
    });
    const { exitCode, stderr } = await world.aipg(['models', 'pull', MODEL]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/tiny-F16\.gguf claims to have .* tensors/);
    expect(await world.blobs()).toEqual([]);
    const path = await world.aipg(['models', 'pull', './model.gguf']);
    expect(path.exitCode).toBe(2);
    expect(path.stderr).toContain('hf:org/repo:QUANT');
  });

  test('stops at once when it is interrupted, and keeps what it has', async () => {
    await using world = await World.start();
    world.hub.fail('cdn', { stallAfter: 2_000_000 });
    await using pull = world.home.serve(['models', 'pull', MODEL], world.with());
    await pull.stderr.until((line) => /^[45]\d %/.test(line));
    expect((await pull.stop('SIGINT')).exitCode).toBe(130);
    expect((await world.leftover()).bytes).toBeGreaterThan(1_500_000);
  });
});

describe('the models of this machine', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    for (const quant of ['F16', 'Q8_0']) await world.json(['models', 'pull', `hf:${REPO}:${quant}`]);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('are listed with what they are, the bundled one first', async () => {
    const { stdout, exitCode } = await world.aipg(['models']);
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^NAME +PARAMETERS +QUANT +CONTEXT +SIZE +FITS +LAST USED/);
    expect(lines[1]).toMatch(/^aipg-tiny +1\.9M +F16 +2048 +3\.8 MB +in memory +never/);
    expect(lines[2]).toMatch(/^org\/tiny-GGUF:F16 +1\.9M +F16 +2048 +3\.8 MB/);
    expect(lines[3]).toMatch(/^org\/tiny-GGUF:Q8_0 +1\.9M +Q8_0 +2048 +2\.1 MB/);
  });

  test('count as used when they answer', async () => {
    type List = { models: { name: string; lastUsed: string | null }[] };
    const used = async () =>
      (await world.json<List>(['models'])).models.find(({ name }) => name === `${REPO}:Q8_0`)?.lastUsed;
    expect(await used()).toBeNull();
    const before = Date.now();
    expect((await world.aipg(['gen', ...ONE_THREAD, '-n', '3', '-m', 'q8', 'hello'])).exitCode).toBe(0);
    expect(Date.parse((await used()) ?? '')).toBeGreaterThanOrEqual(before - 1_000);
    expect((await world.aipg(['models'])).stdout).toMatch(/Q8_0 .*just now/);
  });

  test('are told to fit on a GPU that the engine has found, and where it has not looked, that', async () => {
    const show = async (gpu: string | undefined) => {
      const options = { env: { AIPG_GPU: gpu } };
      const [shown, listed] = await Promise.all([
        world.aipg(['models', 'show', 'aipg-tiny'], options),
        world.aipg(['models'], options),
      ]);
      return `${shown.stdout}${listed.stdout}`;
    };
    const cacheDir = world.home.paths.cache;
    await rm(join(cacheDir, 'gpu.json'), { force: true });
    expect(await show(undefined)).toMatch(/fits in memory: .*\n +A GPU is not counted: aipg doctor/);
    expect(await show('off')).not.toContain('GPU is not counted');
    await writeGpuFacts(cacheDir, {
      ...{ machine: machineFingerprint('3'), gpu: 'cuda', names: ['H200'], probedAt: Date.now() },
      ...{ totalBytes: 150e9, usableBytes: 148e9, unifiedBytes: 0 },
    });
    expect(await show(undefined)).toMatch(
      /fits on the GPU, which has 150\.0 GB$[\s\S]*aipg-tiny .* on GPU /m,
    );
    expect(await show('off')).toMatch(/fits in memory: /);
    await rm(join(cacheDir, 'gpu.json'));
  });

  test('are shown with facts, memory, license, template, files and hashes', async () => {
    const { stdout } = await world.aipg(['models', 'show', 'f16', '--context', '1024', '--slots', '4']);
    for (const shown of [
      /parameters +1\.9M \(1906400\)/,
      /quant +F16/,
      /context +2048 tokens/,
      /memory .*at a context of 1024 tokens/,
      /license +mit/,
      /template +\{% for m in messages %\}/,
      new RegExp(`sha256 +${sha256(TINY)}`),
      /snapshots.*tiny-F16\.gguf/,
    ]) {
      expect(stdout).toMatch(shown);
    }
    const json = await world.json(['models', 'show', 'aipg-tiny']);
    expect(json).toMatchObject({ where: 'bundled', sha256: sha256(TINY), license: 'mit', quant: 'F16' });
    const template = await world.aipg(['models', 'show', TINY_MODEL, '--template']);
    expect(template.stdout.trimEnd()).toBe(json['chatTemplate']);
  });

  test('of the hub are shown without being downloaded', async () => {
    await using other = await World.start({ tags: ['license:apache-2.0'] });
    const shown = await other.json(['models', 'show', MODEL]);
    expect(shown).toMatchObject({ where: 'hub', path: null, parameters: 1_906_400, license: 'mit' });
    expect(await other.blobs()).toEqual([]);
    expect((await other.aipg(['models', 'show', 'hf:org/none'])).exitCode).toBe(3);
  });

  test('go by an alias everywhere, and stay known by it', async () => {
    const added = await world.aipg(['models', 'alias', 'quick', 'q8']);
    expect(added.stderr).toBe(`quick stands for hf:${REPO}:tiny-Q8_0.gguf.\n`);
    expect((await world.aipg(['models', 'alias'])).stdout).toMatch(
      /^quick +hf:org\/tiny-GGUF:tiny-Q8_0\.gguf$/m,
    );
    expect((await world.aipg(['models'])).stdout).toMatch(/Q8_0 .* quick$/m);
    const answer = await world.json(['gen', ...ONE_THREAD, '-n', '3', '-m', 'quick', 'hello']);
    expect(answer['model']).toBe(`${REPO}:Q8_0`);
    expect(await world.json(['models', 'show', 'quick'])).toMatchObject({
      aliases: ['quick'],
      where: 'cache',
    });
    expect((await world.aipg(['gen', '-m', 'quikc', 'x'])).stderr).toContain('Did you mean quick?');
    expect(await world.json(['models', 'alias', '--rm', 'quick'])).toEqual({ aliases: {} });
    expect((await world.aipg(['models', 'alias', '--rm', 'quick'])).exitCode).toBe(2);
    expect((await world.aipg(['models', 'alias', 'quick'])).stderr).toContain('hf:org/repo:QUANT');
  });

  test('an alias of a file answers in this process', async () => {
    const path = join(world.home.home, 'own.gguf');
    await writeFile(path, TINY);
    await world.aipg(['models', 'alias', 'own', path]);
    const answer = await world.json(['gen', ...ONE_THREAD, '-n', '3', '-m', 'own', 'hello']);
    expect(answer).toMatchObject({ model: 'own', grid: 'local' });
    await world.aipg(['models', 'alias', '--rm', 'own']);
  });

  test('are removed only when somebody said so', async () => {
    const asked = await world.aipg(['models', 'rm', 'f16']);
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain('aipg models rm f16 --yes');
    const removed = await world.aipg(['models', 'rm', 'f16', '--yes']);
    expect(removed.stderr).toBe(`Removed ${REPO}:F16; 3.8 MB are free again.\n`);
    expect(await world.blobs()).toEqual([sha256(Q8)]);
    for (const [model, exitCode] of [
      ['aipg-tiny', 2],
      [TINY_MODEL, 2],
      ['f16', 3],
    ] as const) {
      expect((await world.aipg(['models', 'rm', model, '--yes'])).exitCode).toBe(exitCode);
    }
    expect(existsSync(TINY_MODEL)).toBe(true);
  });
});

describe('a model that is not on this machine', () => {
  test('is not downloaded unasked where nobody can be asked; the command for it is told', async () => {
    await using world = await World.start();
    for (const args of [
      ['gen', '-m', MODEL, 'x'],
      ['up', '-m', MODEL],
      ['worker', '--grid', 'nats://127.0.0.1:1', '-m', MODEL],
    ]) {
      const { exitCode, stderr } = await world.aipg(args);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(/^error: /);
      expect(stderr).toContain(`${MODEL} is not on this machine`);
      expect(stderr).toContain(`aipg models pull ${MODEL}`);
    }
    expect(world.hub.requests).toEqual([]);
  });

  test('is downloaded without a question with --yes', async () => {
    await using world = await World.start();
    const { stdout, exitCode, stderr } = await world.aipg([
      'gen',
      ...ONE_THREAD,
      '--yes',
      '-m',
      MODEL,
      '--seed',
      '7',
      'What is the capital of France?',
    ]);
    expect(stderr).toContain('Downloaded');
    expect(exitCode).toBe(0);
    expect(stdout).toBe('The capital of France is Paris.\n');
  });

  test('is served by a grid that was started with --yes, and by its name found there', async () => {
    await using world = await World.start();
    await using up = await world.home.startUp(['-y', '-m', MODEL], world.with());
    expect(up.model).toBe(`${REPO}:F16`);
    await world.aipg(['models', 'alias', 'quick', MODEL]);
    const answer = await world.json(['gen', '-n', '3', '-m', 'quick', 'hello']);
    expect(answer).toMatchObject({ model: `${REPO}:F16`, grid: 'this machine' });
  });
});

test('the list of a hundred models is read once and then remembered', async () => {
  await using world = await World.start();
  await world.json(['models', 'pull', MODEL]);
  const { stdout } = await world.home.bash(
    `cd ${world.folder}/snapshots/${HUB_COMMIT} && for i in $(seq 100); do cp -L tiny-F16.gguf copy-$i-Q8_0.gguf; done; ` +
      `aipg models --json`,
  );
  expect((JSON.parse(stdout) as { models: unknown[] }).models).toHaveLength(102);
  const memory = JSON.parse(
    await readFile(join(world.home.paths.cache, 'model-facts.json'), 'utf8'),
  ) as unknown[];
  expect(memory).toHaveLength(102);
});

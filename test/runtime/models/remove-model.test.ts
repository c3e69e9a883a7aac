import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listCachedModels } from '../../../src/runtime/models/hub-cache.ts';
import { locateModel } from '../../../src/runtime/models/locate.ts';
import { planRemoval, removeModel } from '../../../src/runtime/models/remove-model.ts';
import { failureOf, fakeGguf, Sandbox } from './sandbox.ts';

const REPO = 'org/m-GGUF';
const OLD = '0'.repeat(40);

describe('removing a model', () => {
  it('frees its content, and leaves nothing of a repository that had nothing else', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache(REPO, 'm-Q8_0.gguf', fakeGguf('m'));
    expect(await remove(sandbox, REPO)).toBe(fakeGguf('m').length);
    expect(await readdir(sandbox.hubCache)).toEqual([]);
  });

  it('leaves other models of its repository', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache(REPO, 'm-Q8_0.gguf', fakeGguf('8'));
    await sandbox.cache(REPO, 'm-Q4_K_M.gguf', fakeGguf('4'));
    await remove(sandbox, `${REPO}:Q8_0`);
    expect(await names(sandbox)).toEqual([`${REPO}:Q4_K_M`]);
    expect(await readFile((await locate(sandbox, REPO)).path)).toEqual(fakeGguf('4'));
  });

  it('removes it from every revision, with the content of each', async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.cache(REPO, 'm-Q8_0.gguf', fakeGguf('new'));
    await sandbox.cache(REPO, 'm-Q8_0.gguf', fakeGguf('older'), { commit: OLD });
    expect(await remove(sandbox, REPO)).toBe(fakeGguf('new').length + fakeGguf('older').length);
    expect(await names(sandbox)).toEqual([]);
  });

  it('frees nothing that another file still names', async () => {
    await using sandbox = await Sandbox.create();
    const blob = await sandbox.cache(REPO, 'm-Q8_0.gguf', fakeGguf('same'));
    const twin = join(dirname(blob), '..', 'snapshots', OLD, 'twin-Q6_K.gguf');
    await mkdir(dirname(twin), { recursive: true });
    await symlink(relative(dirname(twin), blob), twin);
    expect(await remove(sandbox, `${REPO}:Q8_0`)).toBe(0);
    expect(await names(sandbox)).toEqual([`${REPO}:Q6_K`]);
    expect(await readFile(twin)).toEqual(fakeGguf('same'));
  });

  it('takes away all parts of a split model', async () => {
    await using sandbox = await Sandbox.create();
    for (const part of [1, 2, 3]) {
      await sandbox.cache(REPO, `Q8_0/m-0000${part}-of-00003.gguf`, fakeGguf(`part ${part}`));
    }
    expect(await remove(sandbox, REPO)).toBe(3 * fakeGguf('part 1').length);
    expect(await readdir(sandbox.hubCache)).toEqual([]);
  });

  it('removes a link out of the cache, and never what it leads to', async () => {
    await using sandbox = await Sandbox.create();
    const own = await sandbox.write('mine/m.gguf', fakeGguf('mine'));
    const link = join(sandbox.hubCache, 'models--org--m-GGUF', 'snapshots', OLD, 'm-Q8_0.gguf');
    await mkdir(dirname(link), { recursive: true });
    await symlink(own, link);
    expect(await remove(sandbox, REPO)).toBe(0);
    expect(await names(sandbox)).toEqual([]);
    expect(await readFile(own)).toEqual(fakeGguf('mine'));
  });

  it('removes the file itself where the system has no links', async () => {
    await using sandbox = await Sandbox.create();
    const file = join(sandbox.hubCache, 'models--org--m-GGUF', 'snapshots', OLD, 'm-Q8_0.gguf');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, fakeGguf('plain'));
    expect(await remove(sandbox, REPO)).toBe(fakeGguf('plain').length);
    expect(await names(sandbox)).toEqual([]);
  });

  it('leaves what another download is writing', async () => {
    await using sandbox = await Sandbox.create();
    const blob = await sandbox.cache(REPO, 'm-Q8_0.gguf', fakeGguf('m'));
    const underway = join(dirname(blob), `${'b'.repeat(64)}.host-1-0badcafe.incomplete`);
    await writeFile(underway, 'half');
    await remove(sandbox, REPO);
    expect(await readFile(underway, 'utf8')).toBe('half');
  });

  it('is refused for the bundled model and for files of the user', async () => {
    await using sandbox = await Sandbox.create();
    const path = await sandbox.write('m.gguf', fakeGguf('m'));
    for (const text of ['aipg-tiny', path]) {
      expect((await failureOf(remove(sandbox, text))).code).toBe('usage');
    }
    expect(await readFile(path)).toEqual(fakeGguf('m'));
  });

  it('never breaks a model that was not removed, however contents are shared', async () => {
    const file = fc.record({
      commit: fc.constantFrom('a', 'b'),
      name: fc.constantFrom('x-Q8_0.gguf', 'y-Q6_K.gguf', 'z-Q5_K_M.gguf'),
      content: fc.constantFrom('1', '2'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(file, { minLength: 1, selector: (f) => f.commit + f.name }),
        async (files) => {
          await using sandbox = await Sandbox.create();
          const folder = join(sandbox.hubCache, 'models--org--m-GGUF');
          for (const { commit, name, content } of files) {
            const blob = join(folder, 'blobs', content.repeat(64));
            const link = join(folder, 'snapshots', commit.repeat(40), name);
            await mkdir(dirname(blob), { recursive: true });
            await mkdir(dirname(link), { recursive: true });
            await writeFile(blob, fakeGguf(content));
            await symlink(relative(dirname(link), blob), link);
          }
          const [removed] = files;
          await remove(sandbox, `hf:${REPO}:${removed?.name}`);
          const left = files.filter(({ name }) => name !== removed?.name);
          for (const { commit, name, content } of left) {
            expect(await readFile(join(folder, 'snapshots', commit.repeat(40), name))).toEqual(
              fakeGguf(content),
            );
          }
          const blobs = await readdir(join(folder, 'blobs')).catch(() => []);
          expect(blobs.sort()).toEqual([...new Set(left.map(({ content }) => content.repeat(64)))].sort());
        },
      ),
      { numRuns: 40 },
    );
  });
});

function locate({ env }: Sandbox, text: string) {
  return locateModel(text, { env });
}

/** @returns the bytes that are free again */
async function remove(sandbox: Sandbox, text: string): Promise<number> {
  const plan = await planRemoval(await locate(sandbox, text), sandbox.env);
  await removeModel(plan);
  return plan.freedBytes;
}

async function names({ env }: Sandbox): Promise<string[]> {
  return (await listCachedModels(env)).map(({ name }) => name);
}

import { appendFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BUNDLED_SHA256 } from '../../../src/runtime/models/bundled.ts';
import { modelsBySha256 } from '../../../src/runtime/models/find-by-sha256.ts';
import { resolveModel } from '../../../src/runtime/models/resolve.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { sha256 as sha256File } from '../../support/hub.ts';
import { fakeGguf, Sandbox } from './sandbox.ts';

test('the bundled model is known without a look at its bytes', async () => {
  await using home = await Sandbox.create();
  expect((await modelsBySha256(home)).get(BUNDLED_SHA256)?.form).toBe('bundled');
});

test("a model of the hub's cache is known by the name of its blob", async () => {
  await using home = await Sandbox.create();
  const content = fakeGguf('cached');
  await home.cache('org/repo-GGUF', 'repo-Q4_K_M.gguf', content);
  const found = (await modelsBySha256(home)).get(sha256Schema.parse(sha256File(content)));
  expect(found).toMatchObject({ form: 'cached', name: 'org/repo-GGUF:Q4_K_M' });
});

test('a file is known once it was hashed here, in however many parts, until it changes or goes', async () => {
  await using home = await Sandbox.create();
  const parts = [1, 2].map((part) => `split-0000${part}-of-00002.gguf`);
  for (const part of parts) await home.write(part, fakeGguf(part));
  const first = join(home.root, parts[0] as string);
  const { sha256, name } = await resolveModel(first, home);
  expect((await modelsBySha256(home)).get(sha256)).toMatchObject({ form: 'path', name, path: first });

  await appendFile(join(home.root, parts[1] as string), 'x');
  expect((await modelsBySha256(home)).get(sha256)).toBeUndefined();
  const { sha256: changed } = await resolveModel(first, home);
  expect((await modelsBySha256(home)).get(changed)).toBeDefined();
  await rename(first, `${first}.moved`);
  expect((await modelsBySha256(home)).get(changed)).toBeUndefined();
});

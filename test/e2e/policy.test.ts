import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox, type ServedGrid } from '../support/aipg.ts';

let sandbox: Sandbox;
let grid: ServedGrid;
let file: string;

beforeAll(async () => {
  sandbox = await Sandbox.create();
  file = join(sandbox.home, 'policy.yaml');
  await writeFile(file, 'blocked: [{ reason: it names the unspeakable, patterns: [fnord] }]');
  grid = await sandbox.startUp(['--policy', file, '--log-level', 'info']);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

test('what the policy of a grid refuses ends with exit code 5, its reason and a way out', async () => {
  const refused = await sandbox.aipg(['gen', 'What is a Fnord?']);
  expect(refused).toMatchObject({ exitCode: 5, stdout: '' });
  expect(refused.stderr).toContain('it names the unspeakable');
  expect(refused.stderr).toContain('--grid local');
  expect(await sandbox.aipg(['gen', 'Tell me a story.'])).toMatchObject({ exitCode: 0 });
  const { stderr } = grid;
  await stderr.json(({ msg, code }) => msg === 'request refused' && code === 'policy-refused');
  expect(stderr.all.join('\n').toLowerCase()).not.toContain('fnord');
});

test('a policy that changes is in force at once, and SIGHUP does not stop the grid', async () => {
  process.kill(grid.upPid, 'SIGHUP');
  await writeFile(file, 'limits: { maxTokens: 10 }');
  await grid.stderr.json(({ msg, blocked }) => msg === 'policy in force' && blocked === 0);
  const refused = await sandbox.aipg(['gen', 'What is a fnord?']);
  expect(refused).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('--max-tokens 10') });
  expect(await sandbox.aipg(['gen', '-n', '10', 'What is a fnord?'])).toMatchObject({ exitCode: 0 });
});

test('a policy with a fault is refused with its line', async () => {
  const bad = join(sandbox.home, 'bad.yaml');
  await writeFile(bad, 'limits:\n  maxToken: 3\n');
  const run = await sandbox.aipg(['director', '--grid', grid.url, '--policy', bad]);
  expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`${bad}:2`) });
});

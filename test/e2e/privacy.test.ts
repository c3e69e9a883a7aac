import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { snapshotJson } from '../../src/runtime/monitor/json.ts';
import { Monitor } from '../../src/runtime/monitor/monitor.ts';
import { newJobId } from '../../src/runtime/protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../src/runtime/protocol/limits.ts';
import { deriveSeed } from '../../src/runtime/protocol/text.ts';
import { Sandbox, type ServedGrid } from '../support/aipg.ts';

/** A word of the prompt that nothing else holds. */
const CANARY = 'quillonbrisk';

let sandbox: Sandbox;
let grid: ServedGrid;

beforeAll(async () => {
  sandbox = await Sandbox.create();
  grid = await sandbox.startUp(['--log-level', 'debug']);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

/** All that a folder holds, as one text. */
async function contentsOf(dir: string): Promise<string> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) =>
    readFile(join(parentPath, name), 'latin1').catch(() => ''),
  );
  return (await Promise.all(texts)).join('\n');
}

const asked = (...flags: string[]) =>
  sandbox.aipg(['gen', '--no-log', '--seed', '7', '-n', '60', ...flags, `Tell a story of ${CANARY}.`]);

test('no log, no picture of the grid and no other account’s list of jobs holds a word of prompt or answer', async () => {
  const connection = await connectBus({ url: grid.url, name: 'watcher' });
  await using monitor = await Monitor.open({ connection });
  const { stdout: answer, exitCode } = await asked();
  expect(exitCode).toBe(0);
  const words = answer.trim().slice(0, 40);
  expect(words.length).toBeGreaterThan(20);
  // One that fails, and one that is refused for its form, whose errors could tell of them.
  const schema = JSON.stringify({
    type: 'object',
    [CANARY]: true,
    properties: { a: { pattern: `(${CANARY}` } },
  });
  await asked('--schema', schema);
  const job = { id: newJobId(), input: { prompt: { form: 'raw', text: 'x' }, seed: deriveSeed('7') } };
  for (const malformed of [
    { id: CANARY },
    { ...job, model: { [CANARY]: CANARY } },
    { ...job, input: { ...job.input, prompt: { form: CANARY } } },
    { ...job, input: { ...job.input, format: { type: 'json', [CANARY]: 1 } } },
  ]) {
    const request = JSON.stringify({ protocol: PROTOCOL_VERSION, job: malformed });
    const reply = await connection.request('aipg.req.local.submit', request);
    expect(reply.json()).toMatchObject({ error: { code: 'job-refused' } });
  }
  const places = {
    'log of up': grid.stderr.all.join('\n'),
    'bus.log and other state': await contentsOf(sandbox.paths.state),
    monitor: JSON.stringify(snapshotJson(monitor.snapshot)),
    'top --json': (await sandbox.aipg(['top', '--json'])).stdout,
    'status --json': (await sandbox.aipg(['status', '--json'])).stdout,
    'jobs of another account': new TextDecoder().decode(
      (
        await connection.request(
          'aipg.req.other.jobs',
          JSON.stringify({ protocol: PROTOCOL_VERSION, since: 0 }),
        )
      ).data,
    ),
  };
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(0);
    expect(text, place).not.toContain(CANARY);
    expect(text, place).not.toContain(words);
  }
  await connection.close();
});

test('of a sealed job not even the bus keeps a word; its client prints the same answer', async () => {
  const bus = join(sandbox.paths.data, 'bus');
  const plain = await asked('--no-stream');
  // In the clear it is kept, so that the search is no blind one.
  expect(await contentsOf(bus)).toContain(CANARY);
  const sealed = 'snorvelwick';
  const ask = ['gen', '--no-log', '--sealed', '--json', '-n', '40', `Tell a story of ${sealed}.`];
  const run = await sandbox.aipg(ask);
  expect(run.exitCode).toBe(0);
  const { text, prompt } = JSON.parse(run.stdout) as { text: string; prompt: unknown };
  expect(JSON.stringify(prompt)).toContain(sealed);
  const kept = (await contentsOf(bus)) + (await contentsOf(sandbox.paths.state)) + grid.stderr.all.join('\n');
  expect(kept).not.toContain(sealed);
  expect(kept).not.toContain(text.trim().slice(0, 40));
  const again = await asked('--sealed');
  expect(again.stdout).toBe(plain.stdout);
});

test('a sealed job that is to be detached is refused, and why', async () => {
  const run = await sandbox.aipg(['gen', '--sealed', '--detach', 'x']);
  expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('only this process can hand') });
});

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Sandbox, TINY_MODEL } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';
import { FakeHub } from '../support/hub.ts';

const MODEL = 'hf:org/tiny-GGUF:F16';

let home: Sandbox;
let terminal: Terminal;
let hub: FakeHub;

beforeAll(async () => {
  hub = await FakeHub.start({ repos: { 'org/tiny-GGUF': { 'tiny-F16.gguf': await readFile(TINY_MODEL) } } });
  home = await Sandbox.create();
  terminal = await Terminal.open(home);
});
afterAll(async () => {
  await terminal[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});
beforeEach(async () => {
  hub.heal();
  await home.aipg(['models', 'rm', 'org/tiny', '--yes']);
});

/** What a person types. */
function typed(command: string): string {
  return `HF_ENDPOINT=${hub.url} ${command}`;
}

describe('models, in a terminal', () => {
  test('a download is a bar with its rate and the time that is left; Ctrl-C keeps what there is', async () => {
    hub.fail('cdn', { stallAfter: 2_000_000 });
    const ended = await terminal.start(typed(`aipg models pull ${MODEL}`));
    const screen = await terminal.until(/\[#{11,12}-{12,13}\] +(4\d|50|51|52) %/);
    expect(screen).toMatch(/\] +\d+ % {2}\d\.\d MB of 3\.8 MB {2}\d+(\.\d+)? \wB\/s {2}\d.* left/);
    expect(screen.match(/\[#/g)).toHaveLength(1);
    await terminal.press('C-c');
    const interrupted = await ended();
    expect(interrupted.status).toBe(130);
    expect(interrupted.screen).not.toMatch(/error|\[#/);

    hub.heal();
    const { screen: done, status } = await terminal.run(typed(`aipg models pull ${MODEL}`));
    expect(status).toBe(0);
    expect(done).toMatch(/still to fetch/);
    expect(done).toMatch(/Done: 1\.\d MB/);
    expect(done).not.toContain('[#');
  });

  test('a missing model is offered with its size and whether it fits; Enter downloads it, and it answers', async () => {
    const ended = await terminal.start(
      typed(`aipg gen --threads 1 --seed 7 -m ${MODEL} "What is the capital of France?"`),
    );
    const question = /Download org\/tiny-GGUF:F16 \(3\.8 MB, fits in memory.*\)\? \[Y\/n\]/;
    await terminal.until(question);
    await terminal.press('Enter');
    const { screen, status } = await ended();
    expect(status).toBe(0);
    expect(screen).toContain('Downloaded org/tiny-GGUF:F16.');
    expect(screen).toContain('The capital of France is Paris.');
  });

  test('a no, an end of input and Ctrl-C download nothing', async () => {
    const asked = hub.rangesSince(0).length;
    for (const [keys, expected] of [
      [['n', 'Enter'], 3],
      [['C-d'], 3],
      [['C-c'], 130],
    ] as const) {
      const ended = await terminal.start(typed(`aipg gen -m ${MODEL} hello`));
      await terminal.until(/\[Y\/n\]/);
      for (const key of keys) await terminal.press(key);
      const { screen, status } = await ended();
      expect(status).toBe(expected);
      if (expected === 3) expect(screen).toContain('aipg models pull hf:org/tiny-GGUF:tiny-F16.gguf');
    }
    // Three times the header, and nothing else.
    expect(hub.rangesSince(0).slice(asked)).toEqual(Array(3).fill('bytes=0-524287'));
  });

  test('aipg up asks before it starts anything', async () => {
    const ended = await terminal.start(typed(`aipg up -m ${MODEL}`));
    const screen = await terminal.until(/\[Y\/n\]/);
    expect(screen).not.toMatch(/nats-server/);
    await terminal.press('n');
    await terminal.press('Enter');
    expect((await ended()).status).toBe(3);
    expect(await home.busProcesses()).toEqual([]);
  });

  test('a model is removed after a yes, and not by Enter alone', async () => {
    await terminal.run(typed(`aipg models pull ${MODEL}`));
    const kept = await terminal.start('aipg models rm tiny-GGUF');
    await terminal.until(/Remove org\/tiny-GGUF:F16 and free 3\.8 MB\? \[y\/N\]/);
    await terminal.press('Enter');
    expect((await kept()).screen).toContain('Nothing was removed.');
    const removed = await terminal.start('aipg models rm tiny-GGUF');
    await terminal.until(/\[y\/N\]/);
    await terminal.press('y');
    await terminal.press('Enter');
    expect((await removed()).screen).toContain('3.8 MB are free again');
  });

  test('the list fits the screen', async () => {
    const { screen, status } = await terminal.run('aipg models');
    expect(status).toBe(0);
    expect(screen).toMatch(/NAME +PARAMETERS/);
    for (const line of screen.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

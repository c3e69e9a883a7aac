import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AIPG, ONE_THREAD, Sandbox, TINY_MODEL } from '../support/aipg.ts';
import { writeEndlessModel } from '../support/e2e-endless-model.ts';
import { Terminal } from '../support/e2e-terminal.ts';

const MODEL = 'acme/fox-gguf:Q4_K_M';

let home: Sandbox;

/** A home with a cached model, two grids, a file of a model, a log, templates, and `aipg` on its PATH. */
beforeAll(async () => {
  home = await Sandbox.create();
  const snapshot = join(home.home, 'cache/huggingface/hub/models--acme--fox-gguf/snapshots', 'a'.repeat(40));
  await mkdir(snapshot, { recursive: true });
  await copyFile(TINY_MODEL, join(snapshot, 'fox-Q4_K_M.gguf'));
  await mkdir(join(home.home, 'bin'));
  const program = join(home.home, 'bin/aipg');
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${AIPG}" "$@"\n`);
  await chmod(program, 0o755);
  await writeFile(join(home.home, 'my file.gguf'), '');
  await home.aipg(['grid', 'add', 'office', 'nats://me:secret@127.0.0.1:1']);
  await home.aipg(['grid', 'add', 'attic', 'nats://127.0.0.1:2']);
  await mkdir(join(home.paths.config, 'templates'));
  for (const name of ['summary.yaml', 'review.yml', '.hidden.yaml', 'notes.txt']) {
    await writeFile(join(home.paths.config, 'templates', name), 'prompt: Hello.\n');
  }
  const ask = (...args: string[]) => home.aipg(['gen', '--grid', 'local', ...ONE_THREAD, '-n', '1', ...args]);
  await ask('--chat', 'trip to Rome', 'Where is Rome?');
  await ask('--chat', 'budget', 'What is 2 + 3?');
  await ask('--chat', 'trip to Rome', 'What is 2 + 2?\nAnd then?');
});
afterAll(() => home[Symbol.asyncDispose]());

/** Values that are offered for what follows `aipg`. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout, stderr, exitCode } = await home.aipg(['__complete', ...words]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t')[0] ?? '');
}

describe.concurrent('what is offered', () => {
  test('are commands and topics, and what is below a topic', async () => {
    expect(await offered('')).toEqual(expect.arrayContaining(['completion', 'gen', 'grid', 'up']));
    expect(await offered('g')).toEqual(['gen', 'grid']);
    expect(await offered('grid', '')).toEqual(expect.arrayContaining(['add', 'ls', 'rm', 'use']));
  });

  test('are the flags of a command that are not there yet', async () => {
    const flags = await offered('gen', '--json', '-');
    expect(flags).toEqual(expect.arrayContaining(['-m', '--model', '--no-stream', '--help']));
    expect(flags).not.toContain('--json');
    expect(flags).not.toContain('--debug');
    expect(await offered('gen', '--stop', 'x', '--sto')).toEqual(['--stop']);
  });

  test('are the values of a flag, in all its forms', async () => {
    expect(await offered('worker', '--log-level', '')).toEqual(['debug', 'info', 'warn', 'error', 'silent']);
    expect(await offered('worker', '--log-level=d')).toEqual(['--log-level=debug']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('are the models of this machine, also by a part of a name', async () => {
    expect(await offered('gen', '-m', '')).toEqual(['aipg-tiny', MODEL]);
    expect(await offered('gen', '-m', 'acme/fox-gguf:')).toEqual([MODEL]);
    expect(await offered('gen', '-macme')).toEqual([`-m${MODEL}`]);
    expect(await offered('gen', '--model=FOX')).toEqual([`--model=${MODEL}`]);
  });

  test('are the grids, without their passwords', async () => {
    expect(await offered('gen', '--grid', '')).toEqual(['office', 'attic', 'local']);
    expect(await offered('grid', 'use', 'o')).toEqual(['office']);
    expect((await home.aipg(['__complete', 'grid', 'rm', ''])).stdout).toBe(
      'words\noffice\t127.0.0.1:1\nattic\t127.0.0.1:2\n',
    );
  });

  test('are the conversations, the one that was last gone on with first', async () => {
    expect(await offered('gen', '--chat', '')).toEqual(['trip to Rome', 'budget']);
    expect(await offered('chat', 'bud')).toEqual(['budget']);
    expect(await offered('logs', '--conversation=rome')).toEqual(['--conversation=trip to Rome']);
  });

  test('are the logged jobs, the newest first, with what was asked', async () => {
    const { stdout } = await home.aipg(['logs', '--json']);
    const ids = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(await offered('logs', 'show', '')).toEqual(ids);
    expect(await offered('gen', '--replay', (ids[1] as string).slice(0, 8))).toEqual([ids[1]]);
    const replayed = await home.aipg(['__complete', 'gen', '--replay', ids[0] as string]);
    expect(replayed.stdout).toBe(`files\n${ids[0]}\tWhat is 2 + 2? And then?\n`);
  });

  test('are the templates', async () => {
    expect(await offered('gen', '-t', '')).toEqual(['review', 'summary']);
    expect(await offered('templates', 'show', 's')).toEqual(['summary']);
  });

  test('are the jobs of the grid that runs on this machine, and to be cancelled those that go on', async () => {
    await using there = await Sandbox.create();
    expect((await there.aipg(['__complete', 'jobs', 'show', ''])).stdout).toBe('words\n');
    const model = await writeEndlessModel(there.home);
    await using _up = await there.startUp(['-m', model, '--slots', '1']);
    const detach = async (tokens: string) =>
      (await there.aipg(['gen', '--detach', '--raw', '-n', tokens, 'Once'])).stdout.trim();
    const ended = await detach('1');
    await there.aipg(['jobs', 'result', ended]);
    // One slot: the last of them waits for some seconds.
    const going: string[] = [];
    for (let count = 0; count < 4; count++) going.unshift(await detach('1600'));
    const [shown, cancellable] = await Promise.all(
      ['show', 'cancel'].map((verb) => there.aipg(['__complete', 'jobs', verb, ''])),
    );
    const ids = (stdout = '') =>
      stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split('\t')[0]);
    expect(ids(shown?.stdout)).toEqual([...going, ended]);
    expect(shown?.stdout).toMatch(new RegExp(`^${ended}\tdone endless$`, 'm'));
    expect(ids(cancellable?.stdout)).toContain(going[0]);
    expect(ids(cancellable?.stdout)).not.toContain(ended);
  });

  test('is nothing in a prompt, after --, or for a command that is not there', async () => {
    expect(await offered('gen', 'g')).toEqual([]);
    expect(await offered('gen', '--', '--')).toEqual([]);
    expect(await offered('nope', '')).toEqual([]);
  });

  test('is what can be told when the settings are broken', async () => {
    await using broken = await Sandbox.create();
    await mkdir(broken.paths.config, { recursive: true });
    await writeFile(join(broken.paths.config, 'config.json'), '{');
    const { stdout, stderr, exitCode } = await broken.aipg(['__complete', 'gen', '--grid', '']);
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  });
});

/** How each shell is started without a person's own settings. */
const SHELLS = [
  ['bash', `PS1='ready> ' bash --norc --noprofile`],
  ['zsh', `PS1='ready> ' zsh -f`],
  ['fish', `fish --no-config -C 'function fish_prompt; echo -n "ready> "; end'`],
] as const;

describe.each(SHELLS)('Tab in %s', (shell, start) => {
  let terminal: Terminal;

  beforeAll(async () => {
    terminal = await Terminal.open(home);
    await terminal.start(`cd; export PATH=~/bin:$PATH; unset PROMPT_COMMAND; ${start}`);
    await terminal.until(/^ready> $/m);
    const source =
      shell === 'fish' ? 'aipg completion fish | source' : `source <(aipg completion ${shell}); echo`;
    await terminal.start(`${source}; echo loaded; echo`);
    await terminal.until(/^loaded$\s+^ready> $/m);
  });
  afterAll(() => terminal[Symbol.asyncDispose]());

  /** Types on an empty screen and presses Tab; resolves once the screen matches. */
  async function tab(typed: string, shown: RegExp, { presses = 1 } = {}): Promise<void> {
    for (const key of ['C-u', 'C-l', typed, ...Array<string>(presses).fill('Tab')]) await terminal.press(key);
    await terminal.until(shown);
  }

  test('completes a command', () => tab('aipg stat', /aipg status /));
  test('lists commands', () => tab('aipg g', /\bgen\b\s.*\s+grid\b/, { presses: shell === 'bash' ? 2 : 1 }));
  test('completes a flag', () => tab('aipg gen --tempe', /aipg gen --temperature /));
  test('completes the value of a flag', () => tab('aipg up --log-level=deb', /aipg up --log-level=debug/));
  test('completes a model whose name has a colon', async () => {
    const named = (before: string) => new RegExp(`aipg gen ${before}${MODEL}`);
    await tab('aipg gen -m acme', named('-m '));
    await tab('aipg gen -m acme/fox-gguf:', named('-m '));
    await tab('aipg gen --model=acme/fox-gguf:Q', named('--model='));
    await tab("aipg gen -m 'acme", named("-m '"));
  });
  test('completes a model by a part of its name', () =>
    tab('aipg gen -m fox', new RegExp(`aipg gen -m ${MODEL}`)));
  test('completes a conversation whose name has a space', () =>
    tab('aipg gen --chat trip', /--chat trip\\ to\\ Rome/));
  test('completes a grid', () => tab('aipg grid use off', /aipg grid use office /));
  test('completes a file where a model may be one', () => tab('aipg gen -m ./my', /-m \.\/my\\ file\.gguf/));
  test('runs nothing that is on the line', async () => {
    await tab('aipg gen $(touch ran) --tempe', /--temperature /);
    expect((await home.bash('cd; ls')).stdout).not.toContain('ran');
  });
});

import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AIPG, Sandbox, TINY_MODEL } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';

const MODEL = 'acme/fox-gguf:Q4_K_M';

let home: Sandbox;

/** A home with a cached model, two grids, a file of a model, and `aipg` on its PATH. */
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
  test('completes a grid', () => tab('aipg grid use off', /aipg grid use office /));
  test('completes a file where a model may be one', () => tab('aipg gen -m ./my', /-m \.\/my\\ file\.gguf/));
  test('runs nothing that is on the line', async () => {
    await tab('aipg gen $(touch ran) --tempe', /--temperature /);
    expect((await home.bash('cd; ls')).stdout).not.toContain('ran');
  });
});

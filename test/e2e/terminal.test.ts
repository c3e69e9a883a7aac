import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox } from '../support/aipg.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';
import { Terminal } from '../support/e2e-terminal.ts';

/** In what the long job answers, not in how it is asked. */
const ANSWER = /named/;

let home: Sandbox;
let terminal: Terminal;

beforeAll(async () => {
  home = await Sandbox.create();
  terminal = await Terminal.open(home);
});
afterAll(async () => {
  await terminal[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

describe('in a terminal', () => {
  test('a newcomer is told once a day that this is a demo model and how to get a real one; a pipe never is', async () => {
    const { stderr } = await home.aipg(['gen', '-n', '3', 'hello']);
    expect(stderr).toBe('');
    const first = await terminal.run('aipg gen -n 3 hello');
    expect(first.status).toBe(0);
    expect(first.screen).toMatch(/demo model/);
    expect(first.screen).toMatch(/aipg gen -m hf:/);
    const second = await terminal.run('aipg gen -n 3 hello');
    expect(second.status).toBe(0);
    expect(second.screen).not.toMatch(/demo model/);
    expect(await readdir(home.paths.state)).toEqual(['hint-demo-model']);
  });

  test('Ctrl-C leaves what was printed, and the shell gets 130', async () => {
    const words = LONG_JOB.map((word) => `'${word}'`).join(' ');
    const ended = await terminal.start(`aipg gen -m '${await writeEndlessModel(home.home)}' ${words}`);
    await terminal.until(ANSWER);
    await terminal.press('C-c');
    const { screen, status } = await ended();
    expect(status).toBe(130);
    expect(screen).toMatch(ANSWER);
    expect(screen).not.toMatch(/error|Interrupted/);
    // The shell's prompt starts on a line of its own.
    expect(screen.trimEnd()).toMatch(/\n\$$/);
  });

  test('errors are red, and plain where NO_COLOR asks for it', async () => {
    await terminal.run('aipg gen -m nothing x');
    expect(await terminal.screen({ colors: true })).toContain('\u001b[31merror:');
    await terminal.run('NO_COLOR=1 aipg gen -m nothing x');
    const plain = await terminal.screen({ colors: true });
    expect(plain).toMatch(/^error: No model/m);
    expect(plain).not.toContain('\u001b[31m');
  });

  test('aipg up shows each part with its state, then what to type next; Ctrl-C ends it cleanly', async () => {
    const ended = await terminal.start('aipg up --threads 1');
    const screen = await terminal.until(/Ctrl-C/);
    for (const part of ['bus', 'director', 'worker']) {
      expect(screen).toMatch(new RegExp(`^\\S* *${part} +ready\\b`, 'm'));
    }
    expect(screen).toMatch(/nats:\/\/127\.0\.0\.1:\d+/);
    expect(screen).toMatch(/aipg-tiny/);
    expect(screen).toMatch(/aipg gen "/);

    await using other = await Terminal.open(home);
    const answer = await other.run('aipg gen --seed 7 "Tell me a story about a fox."');
    expect(answer.status).toBe(0);
    expect(answer.screen).toContain('Once upon a time');
    expect(answer.screen).not.toMatch(/demo model/);

    await terminal.press('C-c');
    const end = await ended();
    expect(end.status).toBe(0);
    expect(end.screen).not.toMatch(/error| {4}at /i);
    expect(await home.busProcesses()).toEqual([]);
  });

  test.for([
    ['aipg --help', ['gen', 'up', 'worker', 'status']],
    [
      'aipg gen --help',
      [
        '[PROMPT...] [FLAGS]',
        '--model',
        '--temperature',
        '--json',
        'EXAMPLES',
        'aipg gen "What is the capital of France?"',
      ],
    ],
    ['aipg up --help', ['--model', '--slots', 'EXAMPLES']],
    ['aipg worker --help', ['--grid', '--drain-timeout', 'EXAMPLES']],
    ['aipg grid --help', ['add', 'use', 'ls', 'rm']],
    ['aipg grid add --help', ['nats://', 'EXAMPLES']],
  ] as const)('%s fits the screen and shows what there is', async ([command, shown]) => {
    const { screen, status } = await terminal.run(command);
    expect(status).toBe(0);
    for (const text of shown) expect(screen).toContain(text);
    expect(screen).not.toMatch(/ {4}at |undefined|<%/);
    for (const line of screen.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

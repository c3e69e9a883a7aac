import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ONE_THREAD, Sandbox } from '../support/aipg.ts';
import { writeEndlessModel } from '../support/e2e-endless-model.ts';
import { Terminal } from '../support/e2e-terminal.ts';

interface Logged {
  readonly status: string;
  readonly text: string;
  readonly conversation: string;
  readonly prompt: { readonly messages: { readonly role: string; readonly content: string }[] };
}

const READY = /^> *$/m;
const CHAT = `aipg chat ${ONE_THREAD.join(' ')}`;

let home: Sandbox;
let endless: string;

beforeAll(async () => {
  home = await Sandbox.create();
  endless = await writeEndlessModel(home.home);
});
afterAll(() => home[Symbol.asyncDispose]());

async function newest(): Promise<Logged> {
  return JSON.parse((await home.aipg(['logs', 'show', '--json'])).stdout) as Logged;
}

describe('aipg chat in a terminal', () => {
  let terminal: Terminal;
  beforeAll(async () => {
    terminal = await Terminal.open(home);
    return () => terminal[Symbol.asyncDispose]();
  });
  beforeEach(() => terminal.resize(100));

  /** Types a line; waits for what the screen then shows. */
  async function say(line: string, shows: RegExp): Promise<string> {
    await terminal.type(line);
    await terminal.press('Enter');
    return await terminal.until(shows);
  }

  test('answers turn by turn, each knowing what was said before; Ctrl-D leaves with 0', async () => {
    const ended = await terminal.start(CHAT);
    await terminal.until(READY);
    await say('What is the capital of Peru?', /Peru is Lima\.\n> *$/m);
    await say('What is the capital of France?', /France is Paris\.\n> *$/m);
    await terminal.press('C-d');
    const { status, screen } = await ended();
    expect(status).toBe(0);
    expect(screen.trimEnd()).toMatch(/\n\$$/);
    expect((await newest()).prompt.messages.map(({ content }) => content)).toEqual([
      'What is the capital of Peru?',
      'The capital of Peru is Lima.',
      'What is the capital of France?',
    ]);
  });

  test('Ctrl-C stops the answer, not the program, and what was said stays in the conversation', async () => {
    const ended = await terminal.start(`${CHAT} -n 1900 -m ${endless}`);
    await terminal.until(READY);
    await say('Tell me a story about a fox.', /Once upon/);
    await terminal.press('C-c');
    await terminal.until(/Stopped\.\n> *$/m);
    const cut = await newest();
    expect(cut.status).toBe('cancelled');
    await say('Tell me a story about a cat.', /cat\.\n.*\w+/);
    await terminal.press('C-c');
    await terminal.until(/Stopped\.[\s\S]*Stopped\.\n> *$/m);
    expect((await newest()).prompt.messages.slice(0, 2).map(({ content }) => content)).toEqual([
      'Tell me a story about a fox.',
      cut.text,
    ]);
    await terminal.press('C-d');
    expect((await ended()).status).toBe(0);
  });

  test('Ctrl-C at the prompt clears the line, and again leaves', async () => {
    const ended = await terminal.start(CHAT);
    await terminal.until(READY);
    await terminal.type('never to be sent');
    await terminal.until(/> never to be sent/);
    await terminal.press('C-c');
    await terminal.until(/Ctrl-C again leaves.*\n> *$/m);
    await say('What is the capital of Peru?', /Peru is Lima\.\n> *$/m);
    await terminal.press('C-c');
    await terminal.until(/leaves.*[\s\S]*leaves.*\n> *$/m);
    await terminal.press('C-c');
    const { status, screen } = await ended();
    expect(status).toBe(0);
    expect(screen).not.toMatch(/never to be sent/);
  });

  test('a message has several lines between """, after a backslash, and as it was pasted', async () => {
    const ended = await terminal.start(CHAT);
    await terminal.until(READY);
    const sent = async () => (await newest()).prompt.messages.at(-1)?.content;
    const answered = (times: number) => new RegExp(`(?:^> [\\s\\S]*?){${times}}^> *$`, 'm');
    await say('"""', /^… *$/m);
    await say('first', /first\n… *$/m);
    await say('"""', answered(1));
    expect(await sent()).toBe('first');
    await say('one\\', /one\\\n… *$/m);
    await say('two', answered(2));
    expect(await sent()).toBe('one\ntwo');
    await terminal.paste('def f():\n\treturn 1\n\nf()');
    await terminal.until(/return 1.*f\(\)/);
    expect(await sent()).toBe('one\ntwo');
    await terminal.press('Enter');
    await terminal.until(answered(3));
    expect(await sent()).toBe('def f():\n\treturn 1\n\nf()');
    await terminal.press('C-d');
    expect((await ended()).status).toBe(0);
  });

  test('Arrow up goes back to earlier messages, of earlier runs too, in a file of its user alone', async () => {
    const first = await terminal.start(CHAT);
    await terminal.until(READY);
    await say('What is the capital of Peru?', /Lima\.\n> *$/m);
    await terminal.press('C-d');
    await first();
    const second = await terminal.start(CHAT);
    await terminal.until(READY);
    await terminal.press('Up');
    await terminal.until(/^> What is the capital of Peru\?$/m);
    await terminal.press('Enter');
    await terminal.until(/Lima\.\n> *$/m);
    await terminal.press('C-d');
    await second();
    const file = join(home.paths.state, 'chat-history');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain('"What is the capital of Peru?"');
  });

  test('a narrower terminal wraps the line that is edited, which is sent whole', async () => {
    const ended = await terminal.start(CHAT);
    await terminal.until(READY);
    const long = 'What is the capital of Peru? '.repeat(3).trim();
    await terminal.type(long);
    await terminal.until(/Peru\?$/m);
    await terminal.resize(40);
    await terminal.type('!');
    await terminal.until(/Peru\?!$/m);
    await terminal.press('Enter');
    await terminal.until(/Peru\?!\n[\s\S]+\n> *$/m);
    expect((await newest()).prompt.messages.at(-1)?.content).toBe(`${long}!`);
    await terminal.press('C-d');
    expect((await ended()).status).toBe(0);
  });

  test('commands: /help, a near miss, /system, /retry, /save, /model, /clear and /exit', async () => {
    const ended = await terminal.start(`${CHAT} --seed 7`);
    await terminal.until(READY);
    await say('/help', /\/retry +Answer.*[\s\S]*\n> *$/m);
    await say('/modle', /no command \/modle\.\nDid you mean \/model\?\n> *$/m);
    await say('/system Be brief.', /Instructions: Be brief\.\n> *$/m);
    await say('Tell me a story about a fox.', /Once upon[\s\S]*\n> *$/m);
    const before = await newest();
    await say('/retry', /retry\nOnce upon[\s\S]*\n> *$/m);
    const retried = await newest();
    expect(retried.prompt).toEqual(before.prompt);
    expect(retried.prompt.messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
    expect(retried.text).not.toBe(before.text);
    const file = join(home.home, 'saved.md');
    await say(`/save ${file}`, /Wrote .*saved\.md\.\n> *$/m);
    expect(await readFile(file, 'utf8')).toBe(
      `## system\n\nBe brief.\n\n## user\n\nTell me a story about a fox.\n\n## assistant\n\n${retried.text}\n`,
    );
    await say(`/save ${file}`, /there already/);
    await say('/model nothing', /No model on this machine is named nothing[\s\S]*\n> *$/m);
    await say(`/model ${endless}`, /The model is .*endless\.gguf\.\n> *$/m);
    await say('/model aipg-tiny', /The model is aipg-tiny\.\n> *$/m);
    await say('/clear', /new conversation\.\n> *$/m);
    await say('What is the capital of Peru?', /Lima\.\n> *$/m);
    const after = await newest();
    expect(after.conversation).not.toBe(before.conversation);
    expect(after.prompt.messages).toHaveLength(2);
    await terminal.type('/exit');
    await terminal.press('Enter');
    expect((await ended()).status).toBe(0);
  });

  test('what is typed during an answer waits for the next line', async () => {
    const ended = await terminal.start(`${CHAT} -n 300 -m ${endless}`);
    await terminal.until(READY);
    await terminal.type('Tell me a story about a fox.');
    await terminal.press('Enter');
    await terminal.type('/exit');
    await terminal.press('Enter');
    const { status, screen } = await ended();
    expect(status).toBe(0);
    expect(screen).toMatch(/Once upon[\s\S]*\n> \/exit\n/);
  });

  test.each(['/quit', '/bye'])('%s leaves, too, as elsewhere', async (command) => {
    const ended = await terminal.start(CHAT);
    await terminal.until(READY);
    await terminal.type(command);
    await terminal.press('Enter');
    expect((await ended()).status).toBe(0);
  });

  test('keeps neither log nor history of a chat with --no-log', async () => {
    const before = (await newest()).prompt;
    const ended = await terminal.start(`${CHAT} --no-log`);
    await terminal.until(READY);
    await say('What is the capital of Spain?', /capital of.*\.\n> *$/m);
    await terminal.press('C-d');
    await ended();
    expect((await newest()).prompt).toEqual(before);
    expect(await readFile(join(home.paths.state, 'chat-history'), 'utf8')).not.toContain('Spain');
  });
});

test('aipg logs prune asks on a terminal, and takes only a yes for one', async () => {
  await using other = await Sandbox.create();
  await using terminal = await Terminal.open(other);
  await other.aipg(['gen', '-n', '1', 'Kept?']);
  for (const [answer, left] of [
    ['n', 1],
    ['', 1],
    ['yes', 0],
  ] as const) {
    const ended = await terminal.start('aipg logs prune --all');
    await terminal.until(/Forget 1 job\? \[y\/N\]/);
    await terminal.type(answer);
    await terminal.press('Enter');
    expect((await ended()).status).toBe(0);
    const { stdout } = await other.aipg(['logs', 'status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ jobs: left });
  }
});

describe('aipg chat in a pipe', () => {
  test('answers each line of stdin, whatever it starts with, as turns of one conversation', async () => {
    const input = 'What is the capital of Peru?\r\n\n/exit\nWhat is the capital of France?';
    const { stdout, stderr, exitCode } = await home.aipg(['chat', '--json', ...ONE_THREAD], { input });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Logged);
    expect(answers.map(({ prompt }) => prompt.messages.at(-1)?.content)).toEqual([
      'What is the capital of Peru?',
      '/exit',
      'What is the capital of France?',
    ]);
    expect(answers.at(-1)?.prompt.messages).toHaveLength(5);
  });

  test('prints the answers as text without --json', async () => {
    const { stdout } = await home.aipg(['chat', ...ONE_THREAD], { input: 'What is the capital of Peru?\n' });
    expect(stdout).toBe('The capital of Peru is Lima.\n');
  });

  test('ends at once with 130 at SIGINT, while it waits and while it answers', async () => {
    const waiting = home.aipg(['chat', ...ONE_THREAD], { openStdin: true });
    waiting.stdin?.write('What is the capital of Peru?\n');
    await new Promise((resolve) => waiting.stdout?.once('data', resolve));
    waiting.kill('SIGINT');
    expect(await waiting).toMatchObject({ exitCode: 130, stderr: '' });
    const answering = home.aipg(['chat', '-m', endless, '-n', '1900', ...ONE_THREAD], { openStdin: true });
    answering.stdin?.write('Tell me a story about a fox.\n');
    await new Promise((resolve) => answering.stdout?.once('data', resolve));
    answering.kill('SIGINT');
    expect(await answering).toMatchObject({ exitCode: 130, stderr: '' });
    expect((await newest()).status).toBe('cancelled');
  });
});

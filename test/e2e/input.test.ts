import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox } from '../support/aipg.ts';

let home: Sandbox;
let folder: string;

beforeAll(async () => {
  home = await Sandbox.create();
  folder = join(home.paths.config, 'templates');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'capital.yaml'),
    'description: The capital of a country\nprompt: "What is the capital of {{ country }}?"\ndefaults: { country: France }\ntemperature: 0\n',
  );
  await writeFile(join(folder, 'story.yml'), 'prompt: "{{ input }}"\nmaxTokens: 5\ntemperature: 0\n');
  await writeFile(join(home.home, 'a.txt'), 'The river was cold.\n');
  await writeFile(join(home.home, 'b.txt'), 'The fox was old.\n');
});
afterAll(() => home[Symbol.asyncDispose]());

async function json(args: readonly string[], input?: string) {
  const { stdout, stderr, exitCode } = await home.aipg(['gen', '--json', '--raw', '-n', '8', ...args], {
    input,
  });
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as { text: string; tokens: { prompt: number } };
}

async function fails(args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await home.aipg(['gen', ...args]);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  return stderr;
}

describe('aipg gen -f', () => {
  test('puts files before stdin and stdin before the words', async () => {
    const [a, b] = [join(home.home, 'a.txt'), join(home.home, 'b.txt')];
    const written = `${a}:\n\`\`\`txt\nThe river was cold.\n\`\`\`\n\n${b}:\n\`\`\`txt\nThe fox was old.\n\`\`\`\n\nContext.\n\nOnce`;
    const flags = ['--seed', '7'];
    const [named, pattern, whole] = await Promise.all([
      json([...flags, '-f', a, '-f', b, 'Once'], 'Context.\n'),
      json([...flags, '-f', join(home.home, '?.txt'), 'Once'], 'Context.\n'),
      json([...flags, written]),
    ]);
    expect(named.text).toBe(whole.text);
    expect(named.tokens).toEqual(whole.tokens);
    expect(pattern.tokens).toEqual(whole.tokens);
  });

  test('- is stdin as a file', async () => {
    const [file, whole] = await Promise.all([
      json(['--seed', '7', '-f', '-', 'Once'], 'A fox.\n'),
      json(['--seed', '7', 'stdin:\n```\nA fox.\n```\n\nOnce']),
    ]);
    expect(file.tokens).toEqual(whole.tokens);
    expect(await fails(['-f', '-', '-', 'x'])).toContain('one place only');
  });

  test('tells what is wrong with a file', async () => {
    expect(await fails(['-f', join(home.home, 'c.txt'), 'x'])).toMatch(/There is no file .*\nDid you mean /);
    expect(await fails(['-f', home.home, 'x'])).toMatch(/is a directory\.\nGive its files by a pattern/);
    expect(await fails(['-f', join(home.home, '*.py'), 'x'])).toMatch(/No file matches/);
    expect(await fails(['-f', process.execPath, 'x'])).toMatch(/node holds binary data|larger than/);
  });
});

describe('templates', () => {
  test('give the prompt and the parameters; -p sets a variable', async () => {
    const [france, peru] = await Promise.all([
      home.aipg(['gen', '-t', 'capital']),
      home.aipg(['gen', '-t', join(folder, 'capital.yaml'), '-p', 'country=Peru']),
    ]);
    expect(france.stdout).toBe('The capital of France is Paris.\n');
    expect(peru.stdout).toBe('The capital of Peru is Lima.\n');
  });

  test('take the input, and flags win over them', async () => {
    const ask = async (...flags: string[]) => {
      const { stdout } = await home.aipg([
        'gen',
        '--json',
        '-t',
        'story',
        ...flags,
        'Tell me a story about a fox.',
      ]);
      return JSON.parse(stdout) as { maxTokens: number; sampling: { temperature: number } };
    };
    expect(await ask()).toMatchObject({ maxTokens: 5, sampling: { temperature: 0 } });
    expect(await ask('-n', '3', '--temperature', '1')).toMatchObject({
      maxTokens: 3,
      sampling: { temperature: 1 },
    });
  });

  test('tell what is missing or unknown', async () => {
    expect(await fails(['-t', 'capitol'])).toMatch(/no template named capitol.*\nDid you mean capital\?/);
    expect(await fails(['-t', 'capital', '-p', 'city=x'])).toMatch(/no variable named city/);
    expect(await fails(['-t', 'story'])).toMatch(/needs an input/);
    expect(await fails(['-p', 'a=b', 'x'])).toMatch(/a variable of a template/);
    await writeFile(join(home.home, 'wrong.yaml'), 'prompt: x\ntemprature: 1\n');
    expect(await fails(['-t', join(home.home, 'wrong.yaml')])).toMatch(
      /wrong\.yaml:2 .*\nDid you mean temperature\?/,
    );
  });

  test('are listed, shown and found', async () => {
    const [list, rows, show, path] = await Promise.all([
      home.aipg(['templates']),
      home.aipg(['templates', '--json']),
      home.aipg(['templates', 'show', 'story']),
      home.aipg(['templates', 'path']),
    ]);
    expect(list.stdout).toBe('capital  The capital of a country  country=France\nstory\n');
    expect(JSON.parse(rows.stdout)).toEqual({
      folder,
      templates: [
        {
          name: 'capital',
          path: join(folder, 'capital.yaml'),
          description: 'The capital of a country',
          variables: [{ name: 'country', default: 'France' }],
          error: null,
        },
        { name: 'story', path: join(folder, 'story.yml'), description: null, variables: [], error: null },
      ],
    });
    expect(show.stdout).toContain('maxTokens: 5');
    expect(path.stdout).toBe(`${folder}\n`);
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete, type ValueSource } from '../../src/cli/completion/candidates.ts';
import type { ProgramFacts } from '../../src/cli/completion/manifest.ts';
import { completionScript, SHELLS } from '../../src/cli/completion/scripts.ts';

const { commands } = JSON.parse(readFileSync('oclif.manifest.json', 'utf8')) as Pick<
  ProgramFacts,
  'commands'
>;
const PROGRAM: ProgramFacts = { commands, topics: {} };
const MODELS: ValueSource = async (name) =>
  name === 'model' ? [{ value: 'org/repo:Q4_K_M' }, { value: 'aipg-tiny' }] : undefined;

async function values(...words: string[]): Promise<string[]> {
  return (await complete(words, PROGRAM, MODELS)).candidates.map(({ value }) => value);
}

describe('completion', () => {
  test('knows the value of a flag from the word after it, and goes on after it', async () => {
    expect(await values('gen', '-m', 'o')).toEqual(['org/repo:Q4_K_M']);
    expect(await values('gen', '-m', 'x', '--tempe')).toEqual(['--temperature']);
    expect(await values('gen', '--model=x', '--tempe')).toEqual(['--temperature']);
  });

  test('takes a word that looks like a flag for the value that is due', async () => {
    expect(await values('gen', '--stop', '--', '--tempe')).toEqual(['--temperature']);
  });

  test('offers files where a model may be one, and not where a name is due', async () => {
    expect(await complete(['gen', '-m', './x'], PROGRAM, MODELS)).toEqual({ candidates: [], files: true });
    expect((await complete(['gen', '--grid', ''], PROGRAM, MODELS)).files).toBe(false);
  });

  test('offers only what begins with, or holds, what was typed, whatever that is', async () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('gen', 'grid', 'use', '-m', '--', '--model=', '--grid', '-'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (words) => {
        const { candidates } = await complete(words, PROGRAM, MODELS);
        const typed = (words.at(-1) ?? '').toLowerCase().replace(/^(--[^=]+=|-[^-])(?=.)/s, '');
        return candidates.every(({ value }) => value.toLowerCase().includes(typed));
      }),
    );
  });
});

test.each(SHELLS)('the script for %s names the program that it is for', (shell) => {
  const script = completionScript(shell, 'other');
  expect(script).toContain('other __complete');
  expect(script).not.toContain('PROGRAM');
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Blocklist, faultOf } from '../../../../src/runtime/director/policy/blocklist.ts';

const blocks = async (patterns: readonly string[], ...texts: string[]) =>
  await new Blocklist(patterns.map((pattern, rule) => ({ pattern, rule }))).find(texts);

describe('a blocklist', () => {
  test.each([
    ['a word', 'bomb', 'how to build a bomb', true],
    ['a word at the very beginning', 'bomb', 'bomb?', true],
    ['no part of a word', 'bomb', 'the bombastic bombing', false],
    ['the beginning of a word', 'bomb*', 'the bombing', true],
    ['the end of a word', '*ware', 'ransomware', true],
    ['but not that of another', '*ware', 'warehouse', false],
    ['any part of a word', '*somwa*', 'ransomware', true],
    ['a phrase', 'build a bomb', 'Build   a\n\tBOMB!', true],
    ['no phrase with another word in it', 'build a bomb', 'build a big bomb', false],
    ['a phrase whose last word goes on', 'how to kill*', 'how to killing', true],
    ['any case, accents and compatible forms', 'cafe noir', 'ＣＡＦÉ « Noir »', true],
    ['the Greek sigma at the end of a word', 'ΟΔΟΣ', 'οδος οδός', true],
    ['what is hidden behind invisible characters', 'bomb', 'bo\u200bm\u00adb', true],
    ['characters beyond the basic plane', '𝒃omb', 'b𝐨mb', true],
    ['words without spaces between them', '*爆弾*', '私は爆弾を', true],
  ])('finds %s', async (_, pattern, text, found) => {
    expect(await blocks([pattern], text)).toBe(found ? 0 : undefined);
  });

  test('tells the rule that is broken, also when one pattern is the end of another', async () => {
    expect(await blocks(['alpha beta gamma', 'beta', 'gamma delta'], 'alpha beta')).toBe(1);
    expect(await blocks(['one two three', 'two*'], 'one two four')).toBe(1);
    expect(await blocks(['nothing', 'here'], 'all is fine')).toBeUndefined();
    expect(await blocks([], 'anything')).toBeUndefined();
  });

  test('looks at each text for itself, and finds what lies across the pieces of a long one', async () => {
    expect(await blocks(['one two'], 'one', 'two')).toBeUndefined();
    const filler = 'x'.repeat(64 * 1024 - 6);
    for (let shift = 0; shift < 14; shift += 1) {
      expect(await blocks(['one two'], `${filler}${' '.repeat(shift)} one two`)).toBe(0);
      expect(await blocks(['😀a b'], `${filler}${' '.repeat(shift)} a b`)).toBe(0);
    }
  });

  test('finds a phrase wherever it stands, and never one that is not there', async () => {
    const word = fc.stringMatching(/^[a-c]{1,3}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
        fc.array(word, { maxLength: 30 }),
        async (phrases, words) => {
          const text = ` ${words.join(' ')} `;
          const expected = phrases.filter((phrase) => text.includes(` ${phrase.join(' ')} `));
          const found = await blocks(
            phrases.map((phrase) => phrase.join(' ')),
            words.join(', '),
          );
          expect(found === undefined).toBe(expected.length === 0);
          if (found !== undefined) expect(expected).toContainEqual(phrases[found]);
        },
      ),
    );
  });

  test('takes one step for each character, whatever is written to make it slow', async () => {
    const patterns = Array.from({ length: 200 }, (_, n) => `${'a'.repeat(n % 190)}b${n}*`);
    const list = new Blocklist(patterns.map((pattern, rule) => ({ pattern, rule })));
    const time = async (length: number) => {
      const startedAt = performance.now();
      expect(await list.find(['a'.repeat(length)])).toBeUndefined();
      return performance.now() - startedAt;
    };
    await time(1_000_000);
    const [short, long] = [await time(250_000), await time(4_000_000)];
    // 16 times the text; a square would be 256 times the time.
    expect(long).toBeLessThan(64 * Math.max(short, 2));
  });

  test.each([
    ['of no letters', '?!', 'no letter or digit'],
    ['with a star in its middle', 'a*b', 'in the middle'],
    ['that is a star', '*', 'no letter or digit'],
    ['that is too long', 'a'.repeat(201), 'longer than 200'],
  ])('refuses a pattern %s', (_, pattern, reason) => {
    expect(faultOf(pattern)).toContain(reason);
    expect(() => new Blocklist([{ pattern, rule: 0 }])).toThrow(reason);
  });
});

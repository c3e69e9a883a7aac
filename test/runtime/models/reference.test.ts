import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatModelReference,
  gridModelName,
  parseModelReference,
} from '../../../src/runtime/models/reference.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';

describe('parseModelReference', () => {
  it.each([
    [undefined, { form: 'bundled' }],
    ['aipg-tiny', { form: 'bundled' }],
    ['model.gguf', { form: 'path', path: 'model.gguf' }],
    ['some/Model.GGUF', { form: 'path', path: 'some/Model.GGUF' }],
    ['./model', { form: 'path', path: './model' }],
    ['../model', { form: 'path', path: '../model' }],
    ['/model', { form: 'path', path: '/model' }],
    ['~/model', { form: 'path', path: '~/model' }],
    ['C:\\models\\a.gguf', { form: 'path', path: 'C:\\models\\a.gguf' }],
    ['hf:org/repo', { form: 'hub', org: 'org', repo: 'repo' }],
    ['hf:org/repo:q4_k_m', { form: 'hub', org: 'org', repo: 'repo', quant: 'Q4_K_M' }],
    ['HF:org/repo:UD-Q2_K_XL', { form: 'hub', org: 'org', repo: 'repo', quant: 'UD-Q2_K_XL' }],
    ['hf:org/repo:sub/a b.gguf', { form: 'hub', org: 'org', repo: 'repo', file: 'sub/a b.gguf' }],
    ['org/repo:Q4_K_M', { form: 'name', name: 'org/repo:Q4_K_M' }],
    ['repo', { form: 'name', name: 'repo' }],
  ])('reads %j', (text, reference) => {
    expect(parseModelReference(text)).toEqual(reference);
  });

  it.each([
    ['', /empty/],
    ['   ', /empty/],
    [' repo', /space/],
    ['re\0po', /control/],
    ['\ud800', /control/],
    ['x'.repeat(201), /longer than 200 bytes/],
    [`./${'x'.repeat(4_096)}`, /longer than 4096/],
    ['https://huggingface.co/org/repo', /URL/],
    ['hf:', /organisation and a repository/],
    ['hf:repo', /organisation and a repository/],
    ['hf:/repo', /organisation and a repository/],
    ['hf:org/', /organisation and a repository/],
    ['hf:org/repo/a.gguf', /hf:org\/repo:a\.gguf/],
    ['hf:../repo', /organisation starts or ends/],
    ['hf:org/..', /repository starts or ends/],
    ['hf:org/a..b', /".."/],
    ['hf:org/a--b', /"--"/],
    ['hf:org/a.git', /\.git/],
    ['hf:o rg/repo', /other characters/],
    [`hf:org/${'x'.repeat(97)}`, /96/],
    ['hf:org/repo:', /quant such as/],
    ['hf:org/repo:Q4 K', /quant such as/],
    ['hf:org/repo:../a.gguf', /plain path/],
    ['hf:org/repo:/a.gguf', /plain path/],
    ['hf:org/repo:a//b.gguf', /plain path/],
    ['hf:org/repo:a\\b.gguf', /backslash/],
    ['hf:org/repo:C:a.gguf', /colon/],
    [`hf:org/repo:${'x'.repeat(512)}.gguf`, /longer than 512/],
  ])('refuses %j and says why', (text, why) => {
    expect(() => parseModelReference(text)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(why),
        hint: expect.stringContaining('hf:org/repo:Q4_K_M'),
      }),
    );
  });

  it('throws nothing but AipgError, whatever the text', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((rest) => `hf:${rest}`),
      fc
        .array(fc.constantFrom('hf:', '/', ':', '..', '.', '~', '\\', 'a', '.gguf', 'Q4_K_M', '\0'))
        .map((a) => a.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const reference = parseModelReference(text);
          if (reference.form !== 'hub') return;
          expect(`${reference.org}/${reference.repo}/${reference.file ?? ''}`.split('/')).not.toContain('..');
        } catch (error) {
          expect(error).toBeInstanceOf(AipgError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('round-trips every valid reference to the hub', () => {
    const name = fc
      .stringMatching(/^[A-Za-z0-9]([._-]?[A-Za-z0-9]){0,30}$/)
      .filter((text) => !text.endsWith('.git'));
    const selector = fc.oneof(
      fc.constant({}),
      fc.stringMatching(/^[A-Z0-9][A-Z0-9_-]{0,31}$/).map((quant) => ({ quant })),
      fc
        .array(fc.stringMatching(/^[A-Za-z0-9_ -]{1,20}$/), { minLength: 1, maxLength: 4 })
        .map((path) => ({ file: `${path.join('/')}x.gguf` })),
    );
    fc.assert(
      fc.property(name, name, selector, (org, repo, rest) => {
        const reference = { form: 'hub', org, repo, ...rest } as const;
        expect(parseModelReference(formatModelReference(reference))).toEqual(reference);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('gridModelName', () => {
  it.each([
    [{ form: 'bundled' } as const, 'aipg-tiny'],
    [{ form: 'hub', org: 'o', repo: 'r', quant: 'Q8_0' } as const, 'o/r:Q8_0'],
    [{ form: 'hub', org: 'o', repo: 'r', file: 'm-q8_0.gguf' } as const, 'o/r:Q8_0'],
    [{ form: 'hub', org: 'o', repo: 'r', file: 'm.gguf' } as const, 'o/r:m.gguf'],
    [{ form: 'hub', org: 'o', repo: 'r' } as const, 'o/r'],
    [{ form: 'name', name: 'tiny' } as const, 'tiny'],
  ])('of %j is %s', (reference, name) => {
    expect(gridModelName(reference)).toBe(name);
  });
});

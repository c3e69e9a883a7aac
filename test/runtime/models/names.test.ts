import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isModelPath, partsOf } from '../../../src/runtime/models/gguf-files.ts';
import { hubModelName, pathModelName, quantOf } from '../../../src/runtime/models/names.ts';
import { nearest } from '../../../src/runtime/models/suggest.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';

describe('quantOf', () => {
  it.each([
    ['Llama-3.2-1B-Instruct-Q4_K_M.gguf', 'Q4_K_M'],
    ['llama-3.2-1b-q8_0.gguf', 'Q8_0'],
    ['model.i1-IQ2_XXS.gguf', 'IQ2_XXS'],
    ['Qwen3-UD-Q4_K_XL.gguf', 'UD-Q4_K_XL'],
    ['gpt-oss-20b-mxfp4.gguf', 'MXFP4'],
    ['aipg-tiny-f16.gguf', 'F16'],
    ['aipg-tiny-q8.gguf', 'Q8'],
    ['BF16/model-00001-of-00002.gguf', 'BF16'],
    ['Q2_K/model-Q3_K_S.gguf', 'Q3_K_S'],
    ['model.gguf', undefined],
    ['FAQ4all.gguf', undefined],
  ])('of %s is %s', (path, quant) => {
    expect(quantOf(path)).toBe(quant);
  });
});

describe('model names', () => {
  it('are org/repo:QUANT for files of the hub, or name the file', () => {
    expect(hubModelName('org/repo', 'a-q4_k_m.gguf')).toBe('org/repo:Q4_K_M');
    expect(hubModelName('org/repo', 'sub/a.gguf')).toBe('org/repo:sub/a.gguf');
  });

  it('are the base name for files of this machine, without part number', () => {
    expect(pathModelName('/models/My Model.GGUF')).toBe('My Model');
    expect(pathModelName('C:\\models\\a.gguf')).toBe('a');
    expect(pathModelName('/models/big-00001-of-00002.gguf')).toBe('big');
    expect(pathModelName('/models/.gguf')).toBe('model');
  });

  it('are always valid, and differ when only the cut-off ends differ', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(modelNameSchema.safeParse(pathModelName(text)).success).toBe(true);
      }),
    );
    const long = 'ä'.repeat(200);
    expect(pathModelName(`${long}1.gguf`)).not.toBe(pathModelName(`${long}2.gguf`));
  });
});

describe('GGUF files', () => {
  it('count as one model per set of parts, and companions not at all', () => {
    const paths = [
      'a.gguf',
      'b-00001-of-00002.gguf',
      'b-00002-of-00002.gguf',
      'mmproj-F16.gguf',
      'imatrix.gguf',
      'a-imatrix.gguf',
      'README.md',
    ];
    expect(paths.filter(isModelPath)).toEqual(['a.gguf', 'b-00001-of-00002.gguf']);
    expect(partsOf('b-00001-of-00002.gguf')).toEqual(['b-00001-of-00002.gguf', 'b-00002-of-00002.gguf']);
    expect(partsOf('a.gguf')).toEqual(['a.gguf']);
  });
});

describe('nearest', () => {
  it('suggests what is few edits away, closest first', () => {
    expect(nearest('modle', ['model', 'MODLES', 'something'])).toEqual(['MODLES', 'model']);
    expect(nearest('x', ['entirely-else'])).toEqual([]);
  });
});

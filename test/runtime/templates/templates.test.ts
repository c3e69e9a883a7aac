import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTemplate } from '../../../src/runtime/templates/read.ts';
import { renderTemplate, templateVariables } from '../../../src/runtime/templates/render.ts';
import { parseText, substitute, variablesOf } from '../../../src/runtime/templates/substitution.ts';

const parse = (text: string) => parseTemplate(text, { name: 'test', path: '/t/test.yaml' });

describe('substitution', () => {
  test('puts values where {{ name }} stands', () => {
    expect(substitute('{{ a }}-{{b}}-{{ a }}', { a: '1', b: '2' })).toBe('1-2-1');
    expect(variablesOf('{{ b }} {{a}} {{ b }}')).toEqual(['b', 'a']);
  });

  test('writes \\{{ as the characters', () => {
    expect(substitute('\\{{ a }} {{ a }}', { a: '1' })).toBe('{{ a }} 1');
  });

  test.each(['{{ }}', '{{ a b }}', '{{ 1a }}', '{{ a', '{{ a.b }}', '{{{ a }}}'])('refuses %s', (text) => {
    expect(parseText(text).ok).toBe(false);
  });

  test('never substitutes in a value', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('{{ b }}', '\\{{', '$&', '{{ a }}', '%s'), (noise, mark) => {
        const value = `${noise}${mark}`;
        expect(substitute('<{{ a }}|{{ b }}>', { a: value, b: 'B' })).toBe(`<${value}|B>`);
      }),
    );
  });

  test('text without {{ is itself', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('{{')),
        (text) => {
          expect(substitute(text, {})).toBe(text);
        },
      ),
    );
  });

  test('takes the names that objects have by nature for variables like others', () => {
    expect(() => substitute('{{ constructor }}', {})).toThrow('constructor has no value');
  });
});

describe('a template', () => {
  test('has a prompt, a system text, defaults, a model, parameters and a schema', () => {
    const template = parse(
      `description: Translate
system: You translate into {{ language }}.
prompt: "{{ tone }}: {{ input }}"
defaults: { language: French, tone: 2 }
model: aipg-tiny
temperature: 0
topK: 1
maxTokens: 9
stop: END
schema: { type: string }
`,
    );
    expect(template).toMatchObject({
      model: 'aipg-tiny',
      temperature: 0,
      topK: 1,
      maxTokens: 9,
      stop: ['END'],
      schema: { type: 'string' },
    });
    expect(templateVariables(template)).toEqual([
      { name: 'language', default: 'French' },
      { name: 'tone', default: '2' },
    ]);
    expect(renderTemplate(template, { input: 'Hello', values: { tone: 'Curt' } })).toEqual({
      system: 'You translate into French.',
      prompt: 'Curt: Hello',
    });
  });

  test.each([
    ['description: x\npromt: y', ':2 has an unknown field, "promt"', 'Did you mean prompt?'],
    ['a: 1\nb: 2', ':1 has an unknown field, "a"', 'The fields are description, '],
    ['prompt: x\n\n\ntemperature: 9', ':4 has a fault in temperature', undefined],
    ['prompt: {{ input }}', ':1 has a fault in prompt', 'in quotes or after a |'],
    [
      'system: |\n  {{ two words }}',
      ':1 has a fault in system: "{{ two words }}" is not a variable',
      undefined,
    ],
    ['prompt: x\nprompt: y', ':2 is not YAML', undefined],
    ['prompt: "x', ' is not YAML', undefined],
    ['- x', ':1 is not a map of fields', undefined],
    ['defaults: { 1x: y }', ':1 has a fault in defaults', undefined],
    ['defaults:\n  input: y', ' has a fault in defaults.input', undefined],
    ['stop: [1]', ':1 has a fault in stop', undefined],
  ])('with a fault tells its line: %j', (text, message, hint) => {
    const error = thrown(() => parse(text));
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  test('that expands without end is refused', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]`;
    expect(() => parse(bomb)).toThrow('is not YAML');
  });

  test('without a place for the input has it as its context', () => {
    const template = parse('prompt: Summarise.');
    expect(renderTemplate(template, { input: 'Text', values: {} }).prompt).toBe('Text\n\nSummarise.');
    expect(renderTemplate(template, { input: '', values: {} }).prompt).toBe('Summarise.');
    expect(renderTemplate(parse('system: x'), { input: 'Text', values: {} }).prompt).toBe('Text');
  });

  test('names the variables that are missing and how to set them', () => {
    const template = parse('prompt: "{{ a }} {{ b }} {{ c }}"\ndefaults: { b: 1 }');
    const error = thrown(() => renderTemplate(template, { input: '', values: {} }));
    expect(error.message).toBe('The template test needs a value for a, c.');
    expect(error.hint).toBe('Set it: aipg gen -t test -p a=… -p c=…');
  });

  test('refuses a variable that it does not have, and an input that is not there', () => {
    const template = parse('prompt: "{{ input }} {{ language }}"');
    const unknown = thrown(() => renderTemplate(template, { input: 'x', values: { langage: 'y' } }));
    expect(unknown.message).toContain('no variable named langage');
    expect(unknown.hint).toBe('Did you mean language?');
    expect(() => renderTemplate(template, { input: '', values: { language: 'y' } })).toThrow(
      'needs an input',
    );
  });
});

function thrown(act: () => unknown): { message: string; hint?: string } {
  try {
    act();
  } catch (error) {
    return error as { message: string; hint?: string };
  }
  throw new Error('Nothing was thrown.');
}

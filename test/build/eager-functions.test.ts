import { describe, expect, test } from 'vitest';
import { withBrackets } from '../../build/eager-functions.ts';

/** What becomes of the code when the functions between `<<` and `>>` are those that ran. */
function marked(text: string): string {
  const run = new Set<string>();
  let code = '';
  const open: number[] = [];
  for (const piece of text.split(/(<<|>>)/)) {
    if (piece === '<<') open.push(code.length);
    else if (piece === '>>') run.add(`${open.pop()}:${code.length}`);
    else code += piece;
  }
  return withBrackets(code, run);
}

describe('functions that a start runs stand in brackets', () => {
  test.each([
    ['an expression', 'const f=<<x=>x+1>>;', 'const f=(x=>x+1);'],
    ['an only argument', 'wrap(<<()=>{}>>);', 'wrap((()=>{}));'],
    ['one of several arguments', 'wrap(1,<<function(){}>>,2);', 'wrap(1,(function(){}),2);'],
    ['one in another', 'const f=<<()=>g(<<()=>1>>)>>;', 'const f=(()=>g((()=>1)));'],
    ['two that end together', 'const f=<<()=><<()=>1>>>>;', 'const f=(()=>(()=>1));'],
    ['an async one', 'const f=<<async()=>1>>;', 'const f=(async()=>1);'],
  ])('%s', (_, code, expected) => {
    expect(marked(code)).toBe(expected);
  });

  test.each([
    ['in brackets already', 'wrap((<<()=>{}>>));'],
    ['called where it stands', '(<<()=>{}>>)();'],
    [
      'a method, a getter and a constructor',
      'class A{constructor(){}m(){}}const o={m(){},get g(){return 1}};',
    ],
    ['a declaration', 'function f(){}'],
  ])('but not one that is %s', (_, code) => {
    expect(marked(code)).toBe(code.replaceAll(/<<|>>/g, ''));
  });

  test('a method that ran is left as it is', () => {
    const code = 'const o={m(){return 1},get g(){return 2}};';
    expect(withBrackets(code, new Set(['10:21', '27:37', '11:21', '28:38']))).toBe(code);
  });
});

describe('functions that no start runs lose the brackets that a minifier gave them', () => {
  test.each([
    ['an only argument', 'wrap((()=>{}));', 'wrap(()=>{});'],
    ['one of several', 'wrap(1,(()=>{}),(function(){}));', 'wrap(1,()=>{},function(){});'],
    ['with another in it that is run', 'wrap((()=>{use(<<()=>1>>)}));', 'wrap(()=>{use((()=>1))});'],
  ])('%s', (_, code, expected) => {
    expect(marked(code)).toBe(expected);
  });

  test.each([
    ['what is called where it stands', '(()=>{})();'],
    ['the same after a comma', 'a,(async()=>{})();'],
    ['what a member is taken of', '(function(){}).call(1);'],
    ['what stands behind an operator', 'const f=a||(()=>1);'],
  ])('but not %s, which means something else without', (_, code) => {
    expect(marked(code)).toBe(code);
  });
});

test('brackets change nothing of what code does, nor the names of functions', () => {
  const code =
    'const named=()=>1;const list=[1,2,3].map((x)=>x*2);({named:named.name,list,called:(()=>7)()})';
  const all = new Set<string>();
  for (let start = 0; start < code.length; start++) {
    for (let end = start; end <= code.length; end++) all.add(`${start}:${end}`);
  }
  const bracketed = withBrackets(code, all);
  expect(bracketed).not.toBe(code);
  // biome-ignore lint/security/noGlobalEval: what is compared is code
  const run = eval;
  expect(run(bracketed)).toEqual(run(code));
  expect(run(bracketed)).toEqual({ named: 'named', list: [2, 4, 6], called: 7 });
});

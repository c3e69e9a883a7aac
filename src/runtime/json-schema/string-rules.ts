import { PLAIN, type Range, WRITTEN } from './characters.ts';
import type { Pattern, PatternNode } from './pattern.ts';
import { codePoint, quoted, type Rules } from './rules.ts';

/** One character of any string, plain or escaped; an escape is never half of a pair. */
export function anyCharacter(rules: Rules): string {
  const hex = '[0-9a-fA-F]';
  const unicode = `"u" ([0-9a-cA-CefEF] ${hex}{3} | [dD] [0-7] ${hex}{2})`;
  return rules.add(`${classOf(PLAIN)} | "\\\\" (["\\\\bfnrt] | ${unicode})`);
}

/** The inside of a string that a pattern describes. */
export function patternRule(rules: Rules, { body, openStart, openEnd }: Pattern): string {
  const around = rules.repeat(anyCharacter(rules), 0, Number.POSITIVE_INFINITY);
  return [openStart ? around : '', expression(rules, body), openEnd ? around : '']
    .filter((part) => part !== '')
    .join(' ');
}

function expression(rules: Rules, node: PatternNode): string {
  switch (node.kind) {
    case 'characters':
      return characters(rules, node.ranges);
    case 'sequence':
      return node.nodes.length === 0 ? '""' : node.nodes.map((inner) => expression(rules, inner)).join(' ');
    case 'choice':
      return rules.add(node.nodes.map((inner) => expression(rules, inner)).join(' | '));
    case 'repeat':
      return rules.repeat(rules.add(expression(rules, node.node)), node.min, node.max);
  }
}

function characters(rules: Rules, ranges: readonly Range[]): string {
  const plain = PLAIN.flatMap(([from, to]) =>
    ranges.flatMap(([start, end]): Range[] => {
      const [first, last] = [Math.max(from, start), Math.min(to, end)];
      return first <= last ? [[first, last]] : [];
    }),
  );
  const written = WRITTEN.filter(([code]) => ranges.some(([start, end]) => start <= code && code <= end)).map(
    ([, text]) => quoted(text),
  );
  const choices = plain.length === 0 ? written : [classOf(plain), ...written];
  return choices.length === 1 ? (choices[0] as string) : rules.add(choices.join(' | '));
}

function classOf(ranges: readonly Range[]): string {
  return `[${ranges.map(([from, to]) => (from === to ? codePoint(from) : `${codePoint(from)}-${codePoint(to)}`)).join('')}]`;
}

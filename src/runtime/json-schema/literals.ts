import { quoted, type Rules } from './rules.ts';

interface Branch {
  readonly next: Map<string, Branch>;
  ends: boolean;
}

/** A rule for one of several texts: what they begin with in common is followed once. */
export function literalsRule(rules: Rules, texts: readonly string[]): string {
  const root = branch();
  for (const text of texts) {
    let at = root;
    for (const character of text) {
      const next = at.next.get(character) ?? branch();
      at.next.set(character, next);
      at = next;
    }
    at.ends = true;
  }
  return ruleOf(rules, root);
}

function ruleOf(rules: Rules, from: Branch): string {
  const choices = [...from.next].map(([character, first]) => {
    let text = character;
    let at = first;
    while (at.next.size === 1 && !at.ends) {
      const [[next, inner]] = [...at.next] as [[string, Branch]];
      text += next;
      at = inner;
    }
    return at.next.size === 0 ? quoted(text) : `${quoted(text)} ${ruleOf(rules, at)}`;
  });
  const body = choices.join(' | ');
  return rules.add(from.ends ? `(${body})?` : body);
}

function branch(): Branch {
  return { next: new Map(), ends: false };
}

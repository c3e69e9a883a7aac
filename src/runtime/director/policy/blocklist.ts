import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest pattern, in UTF-16 code units. */
export const MAX_PATTERN_LENGTH = 200;
/** Text is looked through in pieces of this many UTF-16 code units; in between, others have their turn. */
const PIECE = 64 * 1024;

/** A pattern and what it is of: the number of its rule. */
export interface BlockedPattern {
  readonly pattern: string;
  readonly rule: number;
}

/** A state of the automaton: what may come next, where to go on otherwise, and the rule that has matched. */
interface State {
  readonly next: Map<string, State>;
  fallback: State | undefined;
  rule: number | undefined;
}

/**
 * Finds words and phrases in text, by the automaton of Aho and Corasick (1975): one step for each character, whatever
 * the patterns and the text are, so that no text can make it slow.
 *
 * A pattern is one word or several that follow each other. `*` before the first or after the last stands for any more
 * letters: `explo*`, `*ware`. Case, accents, invisible characters and what is between words make no difference.
 */
export class Blocklist {
  readonly #start: State = newState();

  /** @throws Error for what {@link faultOf} finds fault with */
  constructor(patterns: readonly BlockedPattern[]) {
    for (const { pattern, rule } of patterns) {
      const fault = faultOf(pattern);
      if (fault !== undefined) throw new Error(`The pattern ${JSON.stringify(pattern)} ${fault}.`);
      this.#add(needleOf(pattern), rule);
    }
    this.#link();
  }

  /** The first rule that one of the texts breaks; `undefined` for none. */
  async find(texts: Iterable<string>): Promise<number | undefined> {
    if (this.#start.next.size === 0) return undefined;
    for (const text of texts) {
      const search = new Search(this.#start);
      for (let from = 0; from < text.length; ) {
        const to = endOfPiece(text, from + PIECE);
        const rule = search.feed(normalise(text.slice(from, to)));
        if (rule !== undefined) return rule;
        from = to;
        if (from < text.length) await nextTurn();
      }
      const rule = search.feed(' ');
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  #add(needle: string, rule: number): void {
    let state = this.#start;
    for (const character of units(needle)) {
      const next = state.next.get(character) ?? newState();
      state.next.set(character, next);
      state = next;
    }
    state.rule = Math.min(state.rule ?? rule, rule);
  }

  /** Breadth first, so that a state's fallback is complete before its own. */
  #link(): void {
    const queue: State[] = [this.#start];
    for (let state = queue.shift(); state !== undefined; state = queue.shift()) {
      for (const [character, next] of state.next) {
        next.fallback = step(state.fallback, character) ?? this.#start;
        next.rule ??= next.fallback.rule;
        queue.push(next);
      }
    }
  }
}

/** One walk of the automaton through a text that comes in pieces. */
class Search {
  readonly #start: State;
  #state: State;
  #last = '';

  constructor(start: State) {
    this.#start = start;
    this.#state = start;
    this.feed(' ');
  }

  /** @returns the rule that has matched, if one has */
  feed(piece: string): number | undefined {
    for (const character of units(piece)) {
      // However much is between two words, and wherever a piece ends, it is one space.
      if (character === ' ' && this.#last === ' ') continue;
      this.#last = character;
      this.#state = step(this.#state, character) ?? this.#start;
      if (this.#state.rule !== undefined) return this.#state.rule;
    }
    return undefined;
  }
}

/** What is wrong with a pattern, as the end of a sentence; `undefined`: nothing. */
export function faultOf(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `is longer than ${MAX_PATTERN_LENGTH} characters`;
  const inner = pattern.trim().replace(/^\*/, '').replace(/\*$/, '');
  if (inner.includes('*'))
    return 'has a * in the middle: it may stand only before the first or after the last word';
  if (normalise(inner).trim() === '') return 'has no letter or digit';
  return undefined;
}

function needleOf(pattern: string): string {
  const trimmed = pattern.trim();
  const words = normalise(trimmed).trim();
  return `${trimmed.startsWith('*') ? '' : ' '}${words}${trimmed.endsWith('*') ? '' : ' '}`;
}

/** Letters and digits without case, accents and invisible characters; anything between them as one space. */
function normalise(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}\p{Cf}]+/gu, '')
    .replaceAll('ς', 'σ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ');
}

/** Never between the halves of a character. */
function endOfPiece(text: string, to: number): number {
  const unit = text.charCodeAt(to - 1);
  return unit >= 0xd800 && unit < 0xdc00 ? to + 1 : to;
}

function* units(text: string): Generator<string> {
  for (let index = 0; index < text.length; index += 1) yield text[index] as string;
}

function newState(): State {
  return { next: new Map(), fallback: undefined, rule: undefined };
}

function step(from: State | undefined, character: string): State | undefined {
  for (let state = from; state !== undefined; state = state.fallback) {
    const next = state.next.get(character);
    if (next) return next;
  }
  return undefined;
}

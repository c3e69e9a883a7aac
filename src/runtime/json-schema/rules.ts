import { AipgError } from '../protocol/errors.ts';

/** Largest grammar, in characters, and most repetitions counted out in it. */
const MOST_TEXT = 256 * 1024;
const MOST_REPETITIONS = 20_000;

/** The rules of a grammar in GBNF, equal ones once. */
export class Rules {
  readonly #names = new Map<string, string>();
  readonly #rules: string[] = [];
  #length = 0;
  #repetitions = 0;
  #count = 0;

  /** The name of the rule with this body. */
  add(body: string): string {
    const known = this.#names.get(body);
    if (known !== undefined) return known;
    const name = this.reserve();
    this.#names.set(body, name);
    this.define(name, body);
    return name;
  }

  /** A name for a rule whose body is not known yet. */
  reserve(): string {
    this.#count += 1;
    return `r${this.#count}`;
  }

  define(name: string, body: string): void {
    this.#length += name.length + body.length + 6;
    if (this.#length > MOST_TEXT) throw tooLarge();
    this.#rules.push(`${name} ::= ${body}`);
  }

  /** An expression, `min` to `max` times. */
  repeat(expression: string, min: number, max: number): string {
    this.#repetitions += Number.isFinite(max) ? max : min;
    if (this.#repetitions > MOST_REPETITIONS) throw tooLarge();
    if (max === Number.POSITIVE_INFINITY) {
      if (min === 0) return `${expression}*`;
      return min === 1 ? `${expression}+` : `${expression}{${min},}`;
    }
    if (min === 0 && max === 1) return `${expression}?`;
    return min === max ? `${expression}{${min}}` : `${expression}{${min},${max}}`;
  }

  toString(): string {
    return `${this.#rules.join('\n')}\n`;
  }
}

function tooLarge(): AipgError {
  return new AipgError('input-invalid', 'The schema is too large for a grammar.', {
    hint: 'Leave out large minLength, maxLength, minItems and maxItems, or split it.',
  });
}

/** A value as JSON text, with what a terminal or a decoder would not let through written as an escape. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\ufffd-\uffff]/g,
    (character) => `\\u${hex(character.charCodeAt(0), 4).toLowerCase()}`,
  );
}

/** A text as GBNF writes it. */
export function quoted(text: string): string {
  return `"${[...text].map(escaped).join('')}"`;
}

/** A character as GBNF writes it in a text or a class. */
export function escaped(character: string): string {
  return /^[A-Za-z0-9 _:,{}.@/]$/.test(character) ? character : codePoint(character.codePointAt(0) ?? 0);
}

export function codePoint(code: number): string {
  if (code <= 0xff) return `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, '0');
}

const PASTE_START = '\u001b[200~';
const PASTE_END = '\u001b[201~';

/** What a terminal sent: keys, up to the one that ends a line, or a pasted text. */
export type Segment =
  | { readonly type: 'keys'; readonly text: string }
  | { readonly type: 'paste'; readonly text: string };

/** Tells pasted text from keys in what a terminal in bracketed-paste mode sends, however it is cut into pieces. */
export class KeySegments {
  #rest = '';
  #pasted: string | undefined;

  push(text: string): Segment[] {
    const segments: Segment[] = [];
    this.#rest += text;
    for (;;) {
      if (this.#pasted === undefined) {
        const start = this.#rest.indexOf(PASTE_START);
        // A lone Escape is the key.
        const keys = this.#take(start, PASTE_START, 2);
        segments.push(...keyLines(keys));
        if (start < 0) return segments;
        this.#pasted = '';
      } else {
        const end = this.#rest.indexOf(PASTE_END);
        this.#pasted += this.#take(end, PASTE_END, 1);
        if (end < 0) return segments;
        segments.push({ type: 'paste', text: this.#pasted });
        this.#pasted = undefined;
      }
    }
  }

  /** What comes before the mark; without one, all but what may be its beginning, of so many characters at least. */
  #take(at: number, mark: string, least: number): string {
    const end = at < 0 ? this.#rest.length - partOf(mark, this.#rest, least) : at;
    const taken = this.#rest.slice(0, end);
    this.#rest = at < 0 ? this.#rest.slice(end) : this.#rest.slice(at + mark.length);
    return taken;
  }
}

/** How much of the text's end may be the beginning of a mark. */
function partOf(mark: string, text: string, least: number): number {
  for (let length = mark.length - 1; length >= least; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}

function keyLines(text: string): Segment[] {
  const lines = text.match(/[^\r\n]*(?:\r\n?|\n)|[^\r\n]+$/g) ?? [];
  return lines.map((line) => ({ type: 'keys', text: line }));
}

export type Style = 'good' | 'warn' | 'bad' | 'accent' | 'dim' | 'strong' | 'selected';

/** How much a terminal can do: nothing, bold and inverse but no colour, or the colours of its palette. */
export type Depth = 'none' | 'mono' | 'color';

export interface Theme {
  readonly depth: Depth;
  /** Nothing but ASCII in our own signs. */
  readonly ascii: boolean;
  paint(style: Style | undefined, text: string): string;
  readonly signs: { readonly live: string; readonly lost: string; readonly cursor: string } & Record<
    'up' | 'down' | 'ellipsis' | 'line' | 'busy' | 'free',
    string
  >;
}

/** SGR codes that begin and end a style. */
const CODES: Record<Style, readonly [begin: number, end: number]> = {
  good: [32, 39],
  warn: [33, 39],
  bad: [31, 39],
  accent: [36, 39],
  dim: [2, 22],
  strong: [1, 22],
  selected: [7, 27],
};
const COLORS: ReadonlySet<Style> = new Set(['good', 'warn', 'bad', 'accent']);

export function createTheme({ depth, ascii }: { readonly depth: Depth; readonly ascii: boolean }): Theme {
  return {
    depth,
    ascii,
    paint: (style, text) => {
      if (style === undefined || depth === 'none' || text === '') return text;
      if (depth === 'mono' && COLORS.has(style)) return text;
      const [begin, end] = CODES[style];
      return `\u001b[${begin}m${text}\u001b[${end}m`;
    },
    signs: ascii
      ? {
          live: '*',
          lost: 'x',
          cursor: '>',
          up: '^',
          down: 'v',
          ellipsis: '~',
          line: '-',
          busy: '#',
          free: '.',
        }
      : {
          live: '●',
          lost: '✘',
          cursor: '▸',
          up: '▲',
          down: '▼',
          ellipsis: '…',
          line: '─',
          busy: '■',
          free: '·',
        },
  };
}

import stringWidth from 'string-width';

/** Of a character, in the units of the picture. */
const CELL = { width: 8.4, height: 18 };
const FONT_SIZE = 14;
const MARGIN = 12;
const BASELINE = 13.5;
const COLORS = {
  background: '#0d1117',
  text: '#d0d7de',
  31: '#ff7b72',
  32: '#56d364',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#56d4dd',
} as const;
type Color = keyof typeof COLORS;

interface Style {
  readonly color: Color;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
}
interface Piece {
  readonly text: string;
  readonly style: Style;
  readonly column: number;
  readonly columns: number;
}

const PLAIN: Style = { color: 'text', bold: false, dim: false, inverse: false };
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal's styles begin with
const TOKENS = /\u001b\[([\d;]*)m|\u001b\[[\d;?]*[A-Za-z]|[\u2800-\u28ff]+|[^\s\u001b\u2800-\u28ff]+|\s+/g;
/** The dots of a braille character, by bit: column and row. */
const DOTS = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
] as const;

export interface Picture {
  /** For those who cannot see it. */
  readonly title: string;
  readonly columns: number;
  readonly rows: number;
}

/** A screen as `tmux capture-pane -e` tells it, as a picture. Braille is drawn dot by dot, for fonts differ in it. */
export function terminalSvg(screen: string, { title, columns, rows }: Picture): string {
  const width = columns * CELL.width + 2 * MARGIN;
  const height = rows * CELL.height + 2 * MARGIN;
  const lines = screen.split('\n').slice(0, rows);
  let style = PLAIN;
  const shapes = lines.flatMap((line, row) => {
    const read = readLine(line, style);
    style = read.style;
    return read.pieces.map((piece) => drawPiece(piece, MARGIN + row * CELL.height));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${fixed(width)} ${fixed(height)}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${COLORS.background}"/>`,
    ...shapes.filter((shape) => shape !== ''),
    '</svg>',
    '',
  ].join('\n');
}

function readLine(line: string, first: Style): { readonly pieces: Piece[]; readonly style: Style } {
  const pieces: Piece[] = [];
  let style = first;
  let column = 0;
  for (const [text, codes] of line.matchAll(TOKENS)) {
    if (text.startsWith('\u001b')) {
      if (codes !== undefined) style = restyle(style, codes);
      continue;
    }
    const columns = stringWidth(text);
    pieces.push({ text, style, column, columns });
    column += columns;
  }
  return { pieces, style };
}

function restyle(before: Style, codes: string): Style {
  let style = before;
  for (const word of codes.split(';')) style = { ...style, ...changeOf(Number(word)) };
  return style;
}

function changeOf(code: number): Partial<Style> {
  if (code === 0) return PLAIN;
  if (code === 1) return { bold: true };
  if (code === 2) return { dim: true };
  if (code === 7) return { inverse: true };
  if (code === 22) return { bold: false, dim: false };
  if (code === 27) return { inverse: false };
  if (code === 39) return { color: 'text' };
  return code in COLORS ? { color: code as Color } : {};
}

function drawPiece({ text, style, column, columns }: Piece, top: number): string {
  const left = MARGIN + column * CELL.width;
  const width = columns * CELL.width;
  const color = COLORS[style.color];
  const behind = style.inverse
    ? `<rect x="${fixed(left)}" y="${fixed(top)}" width="${fixed(width)}" height="${CELL.height}" fill="${color}"/>`
    : '';
  if (text.trim() === '') return behind;
  const opacity = style.dim ? ' opacity="0.6"' : '';
  if (/^[\u2800-\u28ff]/.test(text)) {
    return `<path fill="${color}"${opacity} d="${braille(text, left, top)}"/>`;
  }
  const fill = style.inverse ? COLORS.background : color;
  const weight = style.bold ? ' font-weight="bold"' : '';
  const place = `x="${fixed(left)}" y="${fixed(top + BASELINE)}" textLength="${fixed(width)}" lengthAdjust="spacingAndGlyphs"`;
  return `${behind}<text ${place} fill="${fill}"${weight}${opacity}>${escapeXml(text)}</text>`;
}

function braille(text: string, left: number, top: number): string {
  const [across, down] = [CELL.width / 2, CELL.height / 4];
  return [...text]
    .flatMap((character, index) => {
      const bits = (character.codePointAt(0) ?? 0) - 0x2800;
      return DOTS.flatMap(([x, y], bit) => {
        if ((bits & (1 << bit)) === 0) return [];
        const [at, from] = [left + index * CELL.width + x * across, top + y * down];
        return `M${fixed(at + 0.4)} ${fixed(from + 0.5)}h${fixed(across - 0.8)}v${fixed(down - 1)}h${fixed(0.8 - across)}z`;
      });
    })
    .join('');
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? '');
}

function fixed(value: number): string {
  return String(Math.round(10 * value) / 10);
}

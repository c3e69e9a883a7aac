import { toWidth } from './text.ts';
import type { Theme } from './theme.ts';

export interface Bar {
  readonly label: string;
  /** 0 or more. */
  readonly value: number;
  readonly text: string;
  /** The one that is meant, such as today. */
  readonly isNow?: boolean;
}

/** Eighths of a column, from the left. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar a line, the longest as wide as there is room; whatever is not zero can be seen. */
export function drawBars(bars: readonly Bar[], columns: number, theme: Theme): string[] {
  const label = Math.max(...bars.map(({ label: text }) => text.length));
  const amount = Math.max(...bars.map(({ text }) => text.length));
  const room = Math.max(0, columns - label - amount - 2);
  const most = Math.max(...bars.map(({ value }) => value));
  return bars.map(({ label: name, value, text, isNow }) => {
    const bar = most > 0 && value > 0 ? barOf(value / most, room, theme.ascii) : '';
    return [
      theme.paint(isNow ? 'strong' : 'dim', name.padEnd(label)),
      theme.paint('good', bar) + ' '.repeat(Math.max(0, room - bar.length)),
      theme.paint(isNow ? 'strong' : undefined, toWidth(text, amount, 'right')),
    ].join(' ');
  });
}

function barOf(share: number, room: number, ascii: boolean): string {
  if (ascii) return '#'.repeat(Math.max(1, Math.round(share * room)));
  const eighths = Math.max(1, Math.round(share * room * EIGHTHS.length));
  const whole = Math.min(room, Math.floor(eighths / EIGHTHS.length));
  return '█'.repeat(whole) + (whole < room ? (EIGHTHS[eighths % EIGHTHS.length] ?? '') : '');
}

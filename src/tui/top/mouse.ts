import type { Key } from './ui-state.ts';

/** Presses and the wheel (1000), told as SGR does (1006), whose numbers have no limit. */
export const MOUSE = { on: '\u001b[?1000h\u001b[?1006h', off: '\u001b[?1006l\u001b[?1000l' } as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's own
const EVENT = /\u001b\[<(\d{1,4});(\d{1,5});(\d{1,5})([Mm])/g;
/** Shift, Alt and Ctrl. */
const MODIFIERS = 4 | 8 | 16;
const LEFT = 0;
const WHEEL_UP = 64;
const WHEEL_DOWN = 65;

/** What the mouse did, of what the terminal has sent; all else of it is not ours. */
export function readMouse(input: string): Key[] {
  return [...input.matchAll(EVENT)].flatMap(([, code, column, row, end]): Key[] => {
    const button = Number(code) & ~MODIFIERS;
    if (button === WHEEL_UP) return [{ name: 'wheelup' }];
    if (button === WHEEL_DOWN) return [{ name: 'wheeldown' }];
    const isPress = button === LEFT && end === 'M';
    return isPress ? [{ name: 'click', at: { column: Number(column) - 1, row: Number(row) - 1 } }] : [];
  });
}

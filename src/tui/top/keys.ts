import type { Key as InkKey } from 'ink';
import { printable } from './text.ts';
import type { Key } from './ui-state.ts';

/** What was pressed, in our words; text that came in one piece is one key a character. */
export function readKeys(input: string, key: InkKey): Key[] {
  if (key.ctrl) {
    if (input === 'c') return [{ name: 'interrupt' }];
    return input === 'z' ? [{ name: 'suspend' }] : [];
  }
  const name = nameOf(key);
  if (name !== undefined) return [{ name }];
  if (key.meta) return [];
  return [...printable(input)].map((text) => ({ text }));
}

function nameOf(key: InkKey): Key['name'] {
  if (key.upArrow) return 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return 'left';
  if (key.rightArrow) return 'right';
  if (key.pageUp) return 'pageup';
  if (key.pageDown) return 'pagedown';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.tab) return key.shift ? 'backtab' : 'tab';
  if (key.return) return 'enter';
  if (key.escape) return 'escape';
  return key.backspace || key.delete ? 'backspace' : undefined;
}

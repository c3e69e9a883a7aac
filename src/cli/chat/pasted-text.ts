import { withoutControls } from '../terminal.ts';

/** Stand for a line break and a tab while a pasted text is edited on one line. */
const LINE_BREAK = '\u2424';
const TAB = '\u2409';

/** A text of several lines as one line to edit. Control characters are left out: a paste presses no keys. */
export function asOneLine(text: string): string {
  return withoutControls(text.replace(/\r\n?/g, '\n')).replaceAll('\n', LINE_BREAK).replaceAll('\t', TAB);
}

/** The text that {@link asOneLine} made a line of. */
export function fromOneLine(line: string): string {
  return line.replaceAll(LINE_BREAK, '\n').replaceAll(TAB, '\t');
}

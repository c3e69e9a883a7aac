import { toWidth, width } from './text.ts';
import type { Theme } from './theme.ts';

/** A few words in the middle of a view that has nothing else to show: what is, and, dim, what to do. */
export function drawMessage(
  { is, hints = [] }: { readonly is: string; readonly hints?: readonly (string | undefined)[] },
  columns: number,
  height: number,
  theme: Theme,
): string[] {
  const said = hints.filter((hint) => hint !== undefined);
  const lines = [
    theme.paint('strong', center(is, columns, theme)),
    ...(said.length > 0 ? [''] : []),
    ...said.map((hint) => theme.paint('dim', center(hint, columns, theme))),
  ];
  return [
    ...Array.from({ length: Math.max(0, Math.floor((height - lines.length) / 2)) }, () => ''),
    ...lines,
  ];
}

function center(text: string, columns: number, theme: Theme): string {
  const room = Math.min(columns, width(text));
  return ' '.repeat(Math.floor((columns - room) / 2)) + toWidth(text, room, 'left', theme.signs.ellipsis);
}

import { type Key, type Seen, selectedIndex, tableName, type UiState, VIEWS, withTable } from './ui-state.ts';

/** Where the tabs and the first row of a table are on the screen. */
const TABS_ROW = 1;
const FIRST_ROW = 3;
/** A tab opens its view, a row is selected; one that is selected opens. */
export function click(state: UiState, { at }: Key, { table, page }: Seen): UiState {
  if (at?.row === TABS_ROW) {
    const to = VIEWS.find((_, index) => at.column < endOfTab(index));
    return to ? { ...state, view: to, mode: { type: 'browse' } } : state;
  }
  const name = tableName(state);
  if (!at || !name || !table || state.mode.type === 'details') return state;
  const selected = selectedIndex(state.tables[name], table);
  const index = firstRow(selected, page, table.ids.length) + at.row - FIRST_ROW;
  const id = at.row < FIRST_ROW || at.row >= FIRST_ROW + page ? undefined : table.ids[index];
  if (id === undefined) return state;
  const chosen = withTable(state, name, { index, selected: id });
  const opens = id === state.tables[name].selected && name !== 'events';
  return { ...chosen, mode: opens ? { type: 'details', id, top: 0 } : { type: 'browse' } };
}

/** Columns of the tabs up to the end of one: each is its number and its name between blanks. */
export function endOfTab(index: number): number {
  return VIEWS.slice(0, index + 1).reduce((sum, view) => sum + view.length + 4, 0);
}

/** The row at the top: whole pages, so that rows stand still while the mark moves. */
export function firstRow(selected: number, page: number, length: number): number {
  return Math.max(0, Math.min(Math.floor(selected / page) * page, length - page));
}

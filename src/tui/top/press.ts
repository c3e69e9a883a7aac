import { click } from './click.ts';
import type { Sort, Table } from './table.ts';
import {
  type Effect,
  type Key,
  type Mode,
  type Risky,
  type Seen,
  selectedIndex,
  tableName,
  type UiState,
  VIEWS,
  type View,
  withTable,
} from './ui-state.ts';

/** What a turn of the wheel moves. */
const WHEEL_ROWS = 3;

/** By how many lines details move. */
const STEPS: Partial<Record<NonNullable<Key['name']>, number>> = {
  up: -1,
  down: 1,
  wheelup: -WHEEL_ROWS,
  wheeldown: WHEEL_ROWS,
};

/** What a key changes, and what it asks of others. */
export function press(
  state: UiState,
  key: Key,
  seen: Seen,
): { readonly state: UiState; readonly effect?: Effect } {
  if (key.name === 'interrupt') return { state, effect: { type: 'quit', interrupted: true } };
  if (key.name === 'suspend') return { state, effect: { type: 'suspend' } };
  if (key.name === 'click' && state.mode.type !== 'help' && state.mode.type !== 'confirm') {
    return { state: click(state, key, seen) };
  }
  const { mode } = state;
  switch (mode.type) {
    case 'filter':
      return { state: typeFilter(state, mode, key) };
    case 'help':
      return { state: { ...state, mode: { type: 'browse' } } };
    case 'confirm': {
      const back = { ...state, mode: mode.back };
      return key.text === 'y' ? { state: back, effect: mode.effect } : { state: back };
    }
    case 'details':
      if (key.name === 'escape' || key.name === 'enter' || key.name === 'backspace') {
        return { state: { ...state, mode: { type: 'browse' } } };
      }
      if (key.name && key.name in STEPS) {
        const top = Math.max(0, mode.top + (STEPS[key.name] ?? 0));
        return { state: { ...state, mode: { ...mode, top } } };
      }
      return act(state, key, mode.id);
    case 'browse':
      return browse(state, key, seen);
  }
}

function browse(state: UiState, key: Key, { table, page }: Seen): ReturnType<typeof press> {
  const name = tableName(state);
  const selected = table && name && selectedIndex(state.tables[name], table);
  if (table && name && selected !== undefined) {
    const to = move(key, selected, page, table.ids.length);
    if (to !== undefined) return { state: withTable(state, name, { index: to, selected: table.ids[to] }) };
    const id = table.ids[selected];
    if (key.name === 'enter' && id !== undefined && name !== 'events') {
      const chosen = withTable(state, name, { index: selected, selected: id });
      return { state: { ...chosen, mode: { type: 'details', id, top: 0 } } };
    }
    if (key.text === '/') {
      return { state: { ...state, mode: { type: 'filter', before: state.tables[name].filter } } };
    }
    if (key.name === 'escape') return { state: withTable(state, name, { filter: '' }) };
    const sort = chooseSort(key, table);
    if (sort) return { state: withTable(state, name, { sort }) };
    return act(state, key, id);
  }
  return act(state, key, undefined);
}

/** Keys that are the same everywhere. */
function act(state: UiState, key: Key, id: string | undefined): ReturnType<typeof press> {
  const view = VIEWS[Number(key.text) - 1];
  const to = view ?? (key.name && nextView(state.view, key.name));
  if (to) return { state: { ...state, view: to, mode: { type: 'browse' } } };
  switch (key.text) {
    case 'q':
      return { state, effect: { type: 'quit', interrupted: false } };
    case '?':
      return { state: { ...state, mode: { type: 'help' } } };
    case 'p':
      return { state: { ...state, paused: !state.paused } };
    case 'c':
      return {
        state: state.view === 'jobs' && id !== undefined ? ask(state, { type: 'cancel', job: id }) : state,
      };
    case 'd':
      return {
        state:
          state.view === 'workers' && id !== undefined ? ask(state, { type: 'drain', worker: id }) : state,
      };
    case 'y':
      return id === undefined ? { state } : { state, effect: { type: 'copy', text: id } };
    default:
      return { state };
  }
}

function ask(state: UiState, effect: Risky): UiState {
  return { ...state, mode: { type: 'confirm', effect, back: state.mode } };
}

function typeFilter(state: UiState, mode: Extract<Mode, { type: 'filter' }>, key: Key): UiState {
  const name = tableName(state);
  if (!name) return { ...state, mode: { type: 'browse' } };
  const { filter } = state.tables[name];
  if (key.name === 'enter') return { ...state, mode: { type: 'browse' } };
  if (key.name === 'escape') {
    return { ...withTable(state, name, { filter: mode.before }), mode: { type: 'browse' } };
  }
  if (key.name === 'backspace') return withTable(state, name, { filter: [...filter].slice(0, -1).join('') });
  return key.text === undefined ? state : withTable(state, name, { filter: filter + key.text });
}

function move(key: Key, from: number, page: number, length: number): number | undefined {
  const to = {
    up: from - 1,
    down: from + 1,
    pageup: from - page,
    pagedown: from + page,
    home: 0,
    end: length - 1,
    wheelup: from - WHEEL_ROWS,
    wheeldown: from + WHEEL_ROWS,
  }[(key.text && { k: 'up', j: 'down', g: 'home', G: 'end' }[key.text]) ?? key.name ?? ''];
  return to === undefined ? undefined : Math.max(0, Math.min(length - 1, to));
}

function chooseSort({ text }: Key, { columns, sort }: Table): Sort | undefined {
  if (text === 'r') return { ...sort, descending: !sort.descending };
  const step = text === '>' || text === 's' ? 1 : text === '<' || text === 'S' ? -1 : 0;
  if (step === 0) return undefined;
  const at = columns.findIndex(({ id }) => id === sort.column);
  const next = columns[(at + step + columns.length) % columns.length];
  // Of numbers the large ones are looked for, of names the first.
  return next && { column: next.id, descending: next.align === 'right' };
}

function nextView(view: View, key: NonNullable<Key['name']>): View | undefined {
  const step = key === 'tab' || key === 'right' ? 1 : key === 'backtab' || key === 'left' ? -1 : 0;
  return step === 0 ? undefined : VIEWS[(VIEWS.indexOf(view) + step + VIEWS.length) % VIEWS.length];
}

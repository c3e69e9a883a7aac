import type { Sort, Table } from './table.ts';

export const VIEWS = ['overview', 'jobs', 'workers', 'models', 'events'] as const;
export type View = (typeof VIEWS)[number];
export type TableName = Exclude<View, 'overview'>;

/** A key as it was pressed: its name, or the text that it stands for. */
export interface Key {
  readonly name?:
    | 'up'
    | 'down'
    | 'left'
    | 'right'
    | 'pageup'
    | 'pagedown'
    | 'home'
    | 'end'
    | 'tab'
    | 'backtab'
    | 'enter'
    | 'escape'
    | 'backspace'
    | 'interrupt'
    | 'suspend';
  readonly text?: string;
}

export interface TableState {
  readonly sort: Sort | undefined;
  readonly filter: string;
  /** The id of the selected row, and where it was when it was last seen. */
  readonly selected: string | undefined;
  readonly index: number;
}

export type Mode =
  | { readonly type: 'browse' }
  /** `before` is what Esc goes back to. */
  | { readonly type: 'filter'; readonly before: string }
  | { readonly type: 'details'; readonly id: string; readonly top: number }
  | { readonly type: 'help' }
  | { readonly type: 'confirm'; readonly job: string; readonly back: Mode };

/** What a person has chosen to see; the grid itself is apart. */
export interface UiState {
  readonly view: View;
  readonly mode: Mode;
  readonly tables: Readonly<Record<TableName, TableState>>;
  readonly paused: boolean;
}

/** What a key asks of others. */
export type Effect =
  | { readonly type: 'quit'; readonly interrupted: boolean }
  | { readonly type: 'suspend' }
  | { readonly type: 'cancel'; readonly job: string }
  | { readonly type: 'copy'; readonly text: string };

export interface Seen {
  /** Of the view, if it is one. */
  readonly table: Table | undefined;
  /** Rows on the screen. */
  readonly page: number;
}

const TABLE: TableState = { sort: undefined, filter: '', selected: undefined, index: 0 };
export const START: UiState = {
  view: 'overview',
  mode: { type: 'browse' },
  tables: { jobs: TABLE, workers: TABLE, models: TABLE, events: TABLE },
  paused: false,
};

export function press(
  state: UiState,
  key: Key,
  seen: Seen,
): { readonly state: UiState; readonly effect?: Effect } {
  if (key.name === 'interrupt') return { state, effect: { type: 'quit', interrupted: true } };
  if (key.name === 'suspend') return { state, effect: { type: 'suspend' } };
  const { mode } = state;
  switch (mode.type) {
    case 'filter':
      return { state: typeFilter(state, mode, key) };
    case 'help':
      return { state: { ...state, mode: { type: 'browse' } } };
    case 'confirm': {
      const back = { ...state, mode: mode.back };
      return key.text === 'y' ? { state: back, effect: { type: 'cancel', job: mode.job } } : { state: back };
    }
    case 'details':
      if (key.name === 'escape' || key.name === 'enter' || key.name === 'backspace') {
        return { state: { ...state, mode: { type: 'browse' } } };
      }
      if (key.name === 'up' || key.name === 'down') {
        const top = Math.max(0, mode.top + (key.name === 'down' ? 1 : -1));
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
      if (state.view !== 'jobs' || id === undefined) return { state };
      return { state: { ...state, mode: { type: 'confirm', job: id, back: state.mode } } };
    case 'y':
      return id === undefined ? { state } : { state, effect: { type: 'copy', text: id } };
    default:
      return { state };
  }
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

export function tableName({ view }: UiState): TableName | undefined {
  return view === 'overview' ? undefined : view;
}

/** Where the selected row is now; if it has gone, what has come in its place. */
export function selectedIndex({ selected, index }: TableState, { ids }: Table): number {
  const at = selected === undefined ? -1 : ids.indexOf(selected);
  return at >= 0 ? at : Math.max(0, Math.min(selected === undefined ? 0 : index, ids.length - 1));
}

function withTable(state: UiState, name: TableName, change: Partial<TableState>): UiState {
  return { ...state, tables: { ...state.tables, [name]: { ...state.tables[name], ...change } } };
}

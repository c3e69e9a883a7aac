import type { Sort, Table } from './table.ts';

export const VIEWS = ['overview', 'jobs', 'workers', 'models', 'earnings', 'events'] as const;
export type View = (typeof VIEWS)[number];
export type TableName = Exclude<View, 'overview' | 'earnings'>;

/** A key as it was pressed, or what the mouse did: its name, or the text that it stands for. */
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
    | 'suspend'
    | 'click'
    | 'wheelup'
    | 'wheeldown';
  readonly text?: string;
  /** Of a click: where on the screen, from 0. */
  readonly at?: { readonly column: number; readonly row: number };
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
  | { readonly type: 'confirm'; readonly effect: Risky; readonly back: Mode };

/** What a person has chosen to see; the grid itself is apart. */
export interface UiState {
  readonly view: View;
  readonly mode: Mode;
  readonly tables: Readonly<Record<TableName, TableState>>;
  readonly paused: boolean;
}

/** What cannot be taken back, and so is asked about. */
export type Risky =
  | { readonly type: 'cancel'; readonly job: string }
  | { readonly type: 'drain'; readonly worker: string };

/** What a key asks of others. */
export type Effect =
  | Risky
  | { readonly type: 'quit'; readonly interrupted: boolean }
  | { readonly type: 'suspend' }
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

export function tableName({ view }: UiState): TableName | undefined {
  return view === 'overview' || view === 'earnings' ? undefined : view;
}

/** Where the selected row is now; if it has gone, what has come in its place. */
export function selectedIndex({ selected, index }: TableState, { ids }: Table): number {
  const at = selected === undefined ? -1 : ids.indexOf(selected);
  return at >= 0 ? at : Math.max(0, Math.min(selected === undefined ? 0 : index, ids.length - 1));
}

export function withTable(state: UiState, name: TableName, change: Partial<TableState>): UiState {
  return { ...state, tables: { ...state.tables, [name]: { ...state.tables[name], ...change } } };
}

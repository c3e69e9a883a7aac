import type { GridSnapshot } from '../../runtime/monitor/grid-snapshot.ts';
import { endOfTab, firstRow } from './click.ts';
import { drawDetails } from './details.ts';
import { drawEarnings } from './earnings.ts';
import { HELP } from './help.ts';
import { drawMessage } from './message.ts';
import { drawOverview } from './overview.ts';
import { makeTable, type Table } from './table.ts';
import { EVENTS } from './tables/events.ts';
import { JOBS } from './tables/jobs.ts';
import { modelsTable } from './tables/models.ts';
import { workersTable } from './tables/workers.ts';
import { pad, toWidth, width as widthOf } from './text.ts';
import type { Theme } from './theme.ts';
import { type Risky, selectedIndex, tableName, type UiState, VIEWS } from './ui-state.ts';
import { age, count } from './units.ts';

/** Lines around a view: the grid, the tabs and the keys. */
export const CHROME = 3;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Shown {
  /** The grid's name, or its address. */
  readonly grid: string;
  /** Absent until the grid has been reached. */
  readonly snapshot: GridSnapshot | undefined;
  /** Why it has not been reached, and what to do. */
  readonly problem?: { readonly message: string; readonly hint?: string | undefined } | undefined;
  readonly ui: UiState;
  /** Said once, such as that an id was copied. */
  readonly notice?: string | undefined;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** A frame of exactly so many lines, none wider than the terminal. */
export function drawFrame(shown: Shown, { columns, rows }: Size, theme: Theme): string[] {
  const height = Math.max(1, rows - CHROME);
  const table = tableOf(shown.snapshot, shown.ui);
  const body = drawBody(shown, table, columns, height, theme);
  const lines = [
    drawHeader(shown, columns, theme),
    drawTabs(shown, table, columns, theme),
    ...Array.from({ length: height }, (_, index) => body[index] ?? ''),
    drawFooter(shown, columns, theme),
  ];
  return lines.slice(0, rows);
}

/** The table of a view, as it is sorted and filtered; `undefined` where there is none to see. */
export function tableOf(snapshot: GridSnapshot | undefined, ui: UiState): Table | undefined {
  const name = tableName(ui);
  if (name === undefined || snapshot?.scope !== 'grid') return undefined;
  const { sort, filter } = ui.tables[name];
  switch (name) {
    case 'jobs':
      return makeTable(JOBS, snapshot.jobs.values(), sort, filter);
    case 'workers':
      return makeTable(workersTable(snapshot.isPaid), snapshot.workers.values(), sort, filter);
    case 'models':
      return makeTable(modelsTable(snapshot.isPaid), snapshot.models.values(), sort, filter);
    case 'events':
      return makeTable(EVENTS, snapshot.log, sort, filter);
  }
}

function drawBody(
  shown: Shown,
  table: Table | undefined,
  columns: number,
  height: number,
  theme: Theme,
): string[] {
  const { snapshot, ui, now } = shown;
  if (ui.mode.type === 'help')
    return HELP.map((line) => toWidth(line, columns, 'left', theme.signs.ellipsis));
  if (!snapshot) return drawOpening(shown, columns, height, theme);
  const name = tableName(ui);
  if (snapshot.scope === 'account' && ui.view !== 'earnings') return drawOwnOnly(columns, height, theme);
  if (ui.view === 'earnings') return drawEarnings(snapshot, columns, height, now, theme);
  if (!name || !table) return drawOverview(snapshot, columns, height, now, theme);
  const mode = ui.mode.type === 'confirm' ? ui.mode.back : ui.mode;
  if (mode.type === 'details') {
    const lines = drawDetails(name, mode.id, snapshot, columns, now, theme);
    return lines.slice(Math.min(mode.top, Math.max(0, lines.length - height)));
  }
  const selected = selectedIndex(ui.tables[name], table);
  const page = height - 1;
  const top = firstRow(selected, page, table.ids.length);
  return table.draw({
    ...{ width: columns, height, top, now, theme },
    selected: table.ids[selected],
    cursor: true,
  });
}

function drawOpening({ grid, problem }: Shown, columns: number, height: number, theme: Theme): string[] {
  if (!problem)
    return drawMessage({ is: `Connecting to ${grid}${theme.signs.ellipsis}` }, columns, height, theme);
  const hints = [problem.hint, 'This screen goes on by itself when it is there.'];
  return drawMessage({ is: problem.message, hints }, columns, height, theme);
}

function drawOwnOnly(columns: number, height: number, theme: Theme): string[] {
  const is = 'The whole grid is for its operator to see; your key shows your own account.';
  const hints = [`${1 + VIEWS.indexOf('earnings')}: what it has and earns.`];
  return drawMessage({ is, hints }, columns, height, theme);
}

function drawHeader({ grid, snapshot, ui, now }: Shown, columns: number, theme: Theme): string {
  const { signs } = theme;
  const name = toWidth(grid, Math.min(widthOf(grid), Math.floor(columns / 3)), 'left', signs.ellipsis);
  const parts = [theme.paint('strong', name)];
  let used = widthOf(name);
  const add = (text: string, style?: Parameters<Theme['paint']>[0]) => {
    if (used + 2 + widthOf(text) > columns) return;
    used += 2 + widthOf(text);
    parts.push(theme.paint(style, text));
  };
  if (!snapshot) add(`${signs.lost} not connected`, 'warn');
  else {
    const { connection, totals } = snapshot;
    if (connection.state === 'lost') add(`${signs.lost} lost ${age(now - connection.since)} ago`, 'bad');
    else add(`${signs.live} live`, 'good');
    if (ui.paused) add('PAUSED', 'warn');
    if (snapshot.scope === 'account') return parts.join('  ');
    add(`${count(totals.workers)} ${totals.workers === 1 ? 'worker' : 'workers'}`);
    add(`${count(totals.busy)}/${count(totals.slots)} slots`);
    add(`${count(totals.running)} running`);
    add(`${count(totals.waiting)} waiting`);
    const { directors, busVersion } = connection;
    if (directors !== undefined) {
      const noun = directors === 1 ? 'director' : 'directors';
      add(`${directors} ${noun}`, directors === 0 ? 'bad' : undefined);
    }
    if (totals.failed > 0) add(`${count(totals.failed)} failed`, 'bad');
    if (busVersion !== undefined) add(`nats-server ${busVersion}`, 'dim');
  }
  return parts.join('  ');
}

function drawTabs({ ui }: Shown, table: Table | undefined, columns: number, theme: Theme): string {
  let room = columns;
  const tabs = VIEWS.map((view, index) => {
    const isOpen = view === ui.view;
    // Brackets where nothing else would tell.
    const plain = theme.depth === 'none' && isOpen ? `[${index + 1} ${view}]` : ` ${index + 1} ${view} `;
    const shown = plain.slice(0, Math.max(0, room));
    room -= plain.length;
    return theme.paint(isOpen ? 'selected' : 'dim', shown);
  }).join('');
  const name = tableName(ui);
  const left = pad(tabs, Math.min(columns, endOfTab(VIEWS.length - 1)));
  if (!name || !table || ui.mode.type === 'help') return left;
  const { filter, sort } = ui.tables[name];
  const shown = filter === '' ? count(table.total) : `${count(table.ids.length)} of ${count(table.total)}`;
  const order = `by ${(sort ?? table.sort).column}`;
  const text = [shown, order, ...(filter === '' ? [] : [`/${filter}`])].join('  ');
  return room < 11
    ? left
    : `${left} ${theme.paint('dim', toWidth(text, room - 1, 'right', theme.signs.ellipsis))}`;
}

function drawFooter({ ui, notice, snapshot }: Shown, columns: number, theme: Theme): string {
  const cut = (text: string) => toWidth(text, columns, 'left', theme.signs.ellipsis);
  const { mode } = ui;
  const name = tableName(ui);
  if (mode.type === 'confirm')
    return theme.paint('warn', cut(`${question(mode.effect)} y yes, any other key no`));
  if (mode.type === 'filter' && name) {
    return `${theme.paint('accent', '/')}${toWidth(`${ui.tables[name].filter}_  Enter keeps it, Esc goes back`, columns - 1)}`;
  }
  if (notice !== undefined) return theme.paint('accent', cut(notice));
  if (mode.type === 'help') return theme.paint('dim', cut('Any key closes this.'));
  const acts = name === 'jobs' ? ['c cancel'] : name === 'workers' ? ['d drain'] : [];
  const keys =
    mode.type === 'details'
      ? ['Esc back', ...acts, 'y copy id']
      : name && snapshot?.scope === 'grid'
        ? ['Enter details', '/ filter', '< > sort', 'r reverse', ...acts]
        : [`1-${VIEWS.length} Tab views`];
  return theme.paint('dim', cut([...keys, 'p pause', '? keys', 'q quit'].join('  ')));
}

function question(effect: Risky): string {
  return effect.type === 'cancel'
    ? `Cancel job ${effect.job}?`
    : `Drain ${effect.worker}? It ends its jobs and leaves the grid.`;
}

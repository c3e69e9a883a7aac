import type { LogEntry } from '../../../runtime/monitor/grid-snapshot.ts';
import type { TableKind } from '../table.ts';
import type { Style } from '../theme.ts';
import { timeOfDay } from '../units.ts';
import { words } from './columns.ts';

const LEVEL_STYLES: Record<LogEntry['level'], Style | undefined> = {
  info: undefined,
  warn: 'warn',
  error: 'bad',
};

export const EVENTS: TableKind<LogEntry> = {
  id: ({ number }) => String(number),
  search: ({ level, about, id, what }) => [level, about, id, what].join(' '),
  sort: { column: 'time', descending: true },
  empty: 'Nothing has happened yet.',
  columns: [
    {
      id: 'time',
      title: 'TIME',
      min: 8,
      rank: 0,
      text: ({ at }) => timeOfDay(at),
      key: ({ number }) => number,
    },
    {
      id: 'level',
      title: 'LEVEL',
      min: 6,
      rank: 2,
      text: ({ level }) => level,
      key: ({ level }) => level,
      style: ({ level }) => LEVEL_STYLES[level],
    },
    words('about', 'ABOUT', { min: 6, rank: 3 }, ({ about }) => about),
    words('id', 'ID', { min: 12, max: 30, rank: 1 }, ({ id }) => id),
    {
      id: 'what',
      title: 'WHAT',
      min: 20,
      max: 200,
      rank: 0,
      text: ({ what }) => what,
      key: ({ what }) => what,
      style: ({ level }) => LEVEL_STYLES[level],
    },
  ],
};

import type { GridSnapshot, KnownEarnings } from '../../runtime/monitor/grid-snapshot.ts';
import { drawBars } from './bars.ts';
import { beside, drawTop, split } from './blocks.ts';
import { drawMessage } from './message.ts';
import type { TableKind } from './table.ts';
import { EARNED, receiptsAt } from './tables/earnings.ts';
import { toWidth } from './text.ts';
import type { Theme } from './theme.ts';
import { count, credits, timeOfDay } from './units.ts';

const WIDE = 110;
const LABEL = 11;
const AMOUNT = 12;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** What the account that looks has, and what its workers bring it. */
export function drawEarnings(
  { earnings, connection }: GridSnapshot,
  width: number,
  height: number,
  now: number,
  theme: Theme,
): string[] {
  switch (earnings.state) {
    case 'unknown': {
      const asking = `Asking a director for the earnings${theme.signs.ellipsis}`;
      const is = connection.directors === 0 ? 'No director answers, and only directors know.' : asking;
      return drawMessage({ is }, width, height, theme);
    }
    case 'free': {
      const hints = ['aipg up --credits keeps one: then jobs are paid for, and workers earn.'];
      return drawMessage(
        { is: 'Jobs are free on this grid: it has no ledger.', hints },
        width,
        height,
        theme,
      );
    }
    case 'refused':
      return drawMessage(
        { is: earnings.reason, hints: ['Users and workers see their own account here.'] },
        width,
        height,
        theme,
      );
    case 'known':
      return drawKnown(earnings, width, height, now, theme);
  }
}

function drawKnown(
  earnings: KnownEarnings,
  width: number,
  height: number,
  now: number,
  theme: Theme,
): string[] {
  const [left = 0, right = 0] = split(width, 2);
  const head = beside([drawFacts(earnings, left, theme), drawDays(earnings, right, theme)], [left, right]);
  const table = <Row>(kind: TableKind<Row>, rows: Iterable<Row>, columns: number, lines: number) =>
    drawTop(kind, rows, { width: columns, height: lines, now, theme });
  const rest = Math.max(0, height - head.length - 1);
  const names = new Map(earnings.models.map(({ model, name }) => [model, name]));
  const receipts = earnings.receipts.map((row) => ({ ...row, name: names.get(row.model) ?? null }));
  if (width >= WIDE) {
    const tables = [
      table(EARNED, earnings.models, left, rest),
      table(receiptsAt(now), receipts, right, rest),
    ];
    return [...head, '', ...beside(tables, [left, right])];
  }
  // The receipts stand still while models come, up to a third.
  const models = Math.min(Math.max(1, earnings.models.length), Math.max(1, Math.floor(rest / 3) - 1)) + 1;
  return [
    ...head,
    '',
    ...table(EARNED, earnings.models, width, models),
    '',
    ...table(receiptsAt(now), receipts, width, rest - models - 1),
  ];
}

function drawFacts(earnings: KnownEarnings, width: number, theme: Theme): string[] {
  const { account, asOf, available, reserved, today, sevenDays, perHour, total, pending } = earnings;
  const fact = (label: string, amount: number, note = '') => {
    const room = Math.max(0, width - LABEL - AMOUNT - 2);
    return [
      theme.paint('dim', label.padEnd(LABEL)),
      theme.paint(amount > 0 ? 'strong' : undefined, toWidth(credits(amount), AMOUNT, 'right')),
      theme.paint('dim', note === '' ? '' : `  ${toWidth(note, room, 'left', theme.signs.ellipsis)}`),
    ].join('');
  };
  const room = Math.max(0, width - LABEL);
  return [
    theme.paint('dim', 'account'.padEnd(LABEL)) + toWidth(account, room, 'left', theme.signs.ellipsis),
    fact('available', available, `as of ${timeOfDay(asOf)}`),
    fact('reserved', reserved, 'held for jobs'),
    fact('today', today),
    fact('7 days', sevenDays),
    fact('per hour', perHour, 'mean of a day'),
    fact('in all', total.earned, `${count(total.jobs)} jobs`),
    fact('pending', pending.earned, pending.jobs === 1 ? '1 job' : `${count(pending.jobs)} jobs`),
  ];
}

function drawDays({ days }: KnownEarnings, width: number, theme: Theme): string[] {
  const title = theme.paint('dim', toWidth('7 DAYS, UTC, IN CREDITS', width, 'left', theme.signs.ellipsis));
  const bars = days.map(({ day, earned }, index) => ({
    label: `${WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()]} ${day.slice(-2)}`,
    value: earned,
    // As wide as any amount, so that bars stand still when one grows.
    text: credits(earned).padStart(AMOUNT),
    isNow: index === days.length - 1,
  }));
  return [title, ...drawBars(bars, width, theme)];
}

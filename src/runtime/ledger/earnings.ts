import { microCredits, NO_CREDITS } from '../protocol/credits.ts';
import type { Account } from '../protocol/ids.ts';
import type { Sha256 } from '../protocol/model.ts';
import { type AccountBook, addWork, NO_WORK, type Work } from './account-book.ts';
import { dayOf, startOfDay } from './day.ts';
import type { Earnings } from './requests.ts';
import type { LedgerView } from './state.ts';

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 7;

/** What an account has earned by its workers. @param now milliseconds since 1970 */
export function earningsOf(
  book: AccountBook,
  state: LedgerView,
  account: Account,
  now: number,
): Omit<Earnings, 'unsettled' | 'pending'> {
  const today = startOfDay(dayOf(now));
  const hours = book.hoursOf(account, today - (DAYS - 1) * DAY_MS);
  const byModel = new Map<Sha256, Work>();
  const byDay = new Map<string, Work>();
  for (let i = DAYS - 1; i >= 0; i--) byDay.set(dayOf(today - i * DAY_MS), NO_WORK);
  for (const { at, models } of hours) {
    for (const [model, work] of models) {
      byModel.set(model, addWork(byModel.get(model) ?? NO_WORK, work));
      byDay.set(dayOf(at), addWork(byDay.get(dayOf(at)) ?? NO_WORK, work));
    }
  }
  const names = new Map([...state.cards()].map(([model, { name }]) => [model, name]));
  const days = [...byDay].map(([day, work]) => ({ day, ...work }));
  return {
    account,
    today: byDay.get(dayOf(now))?.earned ?? NO_CREDITS,
    sevenDays: sum(days),
    perHour: perHour(hours, now),
    total: book.totalsOf(account).served,
    models: [...byModel]
      .map(([model, work]) => ({ model, name: names.get(model) ?? null, ...work }))
      .sort((a, b) => b.earned - a.earned),
    days,
  };
}

/** Over the last day, from the first hour in it that brought anything. */
function perHour(hours: ReturnType<AccountBook['hoursOf']>, now: number): Earnings['perHour'] {
  const last = hours.filter(({ at }) => at > now - DAY_MS);
  const [first] = last;
  if (!first) return NO_CREDITS;
  const earned = sum(last.flatMap(({ models }) => [...models.values()]));
  return microCredits(Math.floor(earned / Math.max(1, (now - first.at) / HOUR_MS)));
}

function sum(parts: readonly Pick<Work, 'earned'>[]): Work['earned'] {
  return microCredits(parts.reduce((total, { earned }) => total + earned, 0));
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** The day that was asked for last: a ledger asks for the same many times. */
let last = { number: 0, name: '1970-01-01' };

/** The UTC day of a time in milliseconds since 1970, as `2026-11-21`. */
export function dayOf(at: number): string {
  const number = Math.floor(at / DAY_MS);
  if (number !== last.number) last = { number, name: new Date(at).toISOString().slice(0, 10) };
  return last.name;
}

/** When a day begins, in milliseconds since 1970. */
export function startOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** When the day after that of a time begins, in milliseconds since 1970. */
export function nextDayAt(at: number): number {
  return (Math.floor(at / DAY_MS) + 1) * DAY_MS;
}

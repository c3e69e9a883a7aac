/** A count in at most five columns: `9999`, `12.3k`, `4.5M`. */
export function count(value: number): string {
  if (value < 10_000) return String(Math.round(value));
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 99_950 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(value < 99_950_000 ? 1 : 0)}M`;
}

/** A rate with one digit after the point while it is small. */
export function rate(value: number): string {
  return value < 999.95 ? value.toFixed(1) : count(value);
}

/** A share of 0 to 1: `100%` only if it is whole, `-` if there is none. */
export function share(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.floor(100 * value)}%`;
}

/** A short time, from milliseconds: `320ms`, `4.2s`, `95s`. */
export function latency(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 99_950) return `${(ms / 1_000).toFixed(1)}s`;
  return age(ms);
}

/** How long ago, from milliseconds, in its largest unit: `12s`, `4m`, `3h`, `2d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

const MICRO = 1_000_000;

/** An amount of micro-credits, in credits, in at most twelve columns: `0.000041`, `12345.678900`, `123456.79`. */
export function credits(amount: number): string {
  const value = amount / MICRO;
  if (Math.abs(value) < 99_999) return value.toFixed(6);
  return Math.abs(value) < 99_999_999 ? value.toFixed(2) : count(value);
}

/** What a million tokens cost, from micro-credits, in at most nine columns: `0.000720`, `1743.00`. */
export function price(rate: number): string {
  const value = rate / MICRO;
  if (value < 99) return value.toFixed(6);
  return value < 999_999 ? value.toFixed(2) : count(value);
}

/** The time of day here; of what is older than a day, the day. */
export function timeOrDay(at: number, now: number): string {
  if (now - at < 86_400_000) return timeOfDay(at);
  const date = new Date(at);
  return `${date.toLocaleString('en', { month: 'short' })} ${String(date.getDate()).padStart(2)}`;
}

/** The time of day here. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

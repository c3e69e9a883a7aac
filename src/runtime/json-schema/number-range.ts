import type { DecimalRange } from './shape.ts';

/**
 * Grammar expressions for the numbers of a range. Digits are compared one by one: what is common to both ends, then
 * what lies between.
 */

/** Integers from `min` to `max`, both included and of at most 15 digits. */
export function integerRange(min: number, max: number): string {
  const parts: string[] = [];
  if (min < 0) parts.push(`"-" (${magnitudes(Math.max(1, -max), -min)})`);
  if (max >= 0) parts.push(magnitudes(Math.max(0, min), max));
  return parts.join(' | ');
}

/** Decimal numbers of a range; undefined when it is too narrow for 6 decimals. */
export function decimalRange({ min, max, openMin, openMax }: DecimalRange): string | undefined {
  const low = Math.ceil(min);
  const high = Math.floor(max);
  if (low > high) return narrowRange(min, max);
  const parts: string[] = [];
  const [first, last] = [openMin && low === min ? low + 1 : low, openMax && high === max ? high - 1 : high];
  if (first <= last) parts.push(integerRange(first, last));
  // Where an end is left out, no fraction is 0, which would be that end.
  const fraction = openMin || openMax ? '"." "0"{0,6} [1-9] [0-9]{0,8}' : '"." [0-9]{1,15}';
  if (high > Math.max(0, low)) parts.push(`(${magnitudes(Math.max(0, low), high - 1)}) ${fraction}`);
  if (-low - 1 >= Math.max(0, -high)) {
    parts.push(`"-" (${magnitudes(Math.max(0, -high), -low - 1)}) ${fraction}`);
  }
  return parts.length === 0 ? undefined : parts.join(' | ');
}

/** A range that holds no whole number: all of it has the same digits before the point. */
function narrowRange(min: number, max: number): string | undefined {
  const negative = max < 0;
  const [from, to] = negative ? [-max, -min] : [min, max];
  const whole = Math.floor(from);
  for (let digits = 1; digits <= 6; digits++) {
    const scale = 10 ** digits;
    const low = Math.ceil((from - whole) * scale);
    const high = Math.floor((to - whole) * scale);
    if (low > high || high >= scale) continue;
    const between = sameLength(pad(low, digits), pad(high, digits));
    return `"${negative ? '-' : ''}${whole}." (${between})`;
  }
  return undefined;
}

/** Numbers without a sign, 0 or more. */
function magnitudes(min: number, max: number): string {
  const parts: string[] = [];
  for (let length = String(min).length; length <= String(max).length; length++) {
    const shortest = length === 1 ? 0 : 10 ** (length - 1);
    const low = String(Math.max(min, shortest));
    const high = String(Math.min(max, 10 ** length - 1));
    parts.push(sameLength(low, high));
  }
  return parts.join(' | ');
}

/** Digit strings of one length, from `low` to `high`. */
function sameLength(low: string, high: string): string {
  if (/^0*$/.test(low) && /^9*$/.test(high)) return anyDigits(low.length);
  const [first, last] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (first === last) return joined(`"${first}"`, sameLength(lowRest, highRest));
  const parts: string[] = [];
  const wholeFirst = /^0*$/.test(lowRest);
  const wholeLast = /^9*$/.test(highRest);
  if (!wholeFirst) parts.push(joined(`"${first}"`, sameLength(lowRest, '9'.repeat(lowRest.length))));
  const from = wholeFirst ? first : first + 1;
  const to = wholeLast ? last : last - 1;
  if (from <= to)
    parts.push(joined(from === to ? `"${from}"` : `[${from}-${to}]`, anyDigits(lowRest.length)));
  if (!wholeLast) parts.push(joined(`"${last}"`, sameLength('0'.repeat(highRest.length), highRest)));
  return parts.join(' | ');
}

function joined(first: string, rest: string): string {
  return rest === '' ? first : `${first} (${rest})`;
}

function anyDigits(count: number): string {
  return count === 0 ? '' : `[0-9]{${count}}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

import { Flags } from '@oclif/core';
import { AipgError } from '../runtime/protocol/errors.ts';
import { LIMITS } from '../runtime/protocol/limits.ts';

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** The minimum itself is refused. */
  readonly above?: boolean;
}

/** A number in a range. @throws AipgError `usage` naming the flag, the value and the range */
export function numberFlag(name: string, range: Range & { integer?: boolean }) {
  return Flags.custom<number>({ parse: async (text) => parseNumber(`--${name}`, text, range) });
}

/** A duration such as `30s`, `2m` or `500ms`, in milliseconds; a plain number is seconds. */
export function durationFlag(name: string, { min = 1, max = LIMITS.timeoutMs } = {}) {
  return Flags.custom<number>({ parse: async (text) => parseDuration(`--${name}`, text, min, max) });
}

/** An age such as `30d`, `12h` or `4w`, in milliseconds. */
export function ageFlag(name: string) {
  return Flags.custom<number>({ parse: async (text) => parseAge(`--${name}`, text) });
}

export const gridFlag = Flags.string({
  description: 'A grid by its profile or address (nats://host:port); `local` answers in this process.',
  env: 'AIPG_GRID',
  helpValue: 'NAME|URL',
});

export function parseNumber(flag: string, text: string, range: Range & { integer?: boolean }): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const {
    min = Number.NEGATIVE_INFINITY,
    max = Number.POSITIVE_INFINITY,
    above = false,
    integer = false,
  } = range;
  const inside = Number.isFinite(value) && value <= max && (above ? value > min : value >= min);
  if (inside && (!integer || Number.isInteger(value))) return value;
  throw new AipgError('usage', `${flag} must be ${describeRange(range)}, not ${JSON.stringify(text)}.`);
}

export function parseDuration(flag: string, text: string, min: number, max: number): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim());
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? 1_000;
  const ms = Math.round(Number(match?.[1]) * unit);
  if (ms >= min && ms <= max) return ms;
  const range = `from ${min} ms to ${max / 3_600_000} h`;
  throw new AipgError(
    'usage',
    `${flag} must be a duration such as 30s, 2m or 500ms, ${range}, not ${JSON.stringify(text)}.`,
  );
}

export function parseAge(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(m|h|d|w)$/.exec(text.trim());
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[match?.[2] ?? ''];
  if (unit !== undefined) return Math.round(Number(match?.[1]) * unit);
  throw new AipgError(
    'usage',
    `${flag} must be an age such as 30d, 12h, 90m or 4w, not ${JSON.stringify(text)}.`,
  );
}

function describeRange({ min, max, above = false, integer = false }: Range & { integer?: boolean }): string {
  const kind = integer ? 'a whole number' : 'a number';
  if (min !== undefined && max !== undefined) {
    return above ? `${kind} above ${min} and up to ${max}` : `${kind} from ${min} to ${max}`;
  }
  return min === undefined ? kind : `${kind} of ${min} or more`;
}

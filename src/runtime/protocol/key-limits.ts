import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { type ModelName, modelNameSchema } from './model.ts';

/** What the key of a user or a worker may do less than its role. */
export const keyLimitsSchema = z.object({
  /** The only ones that it may ask for, or serve. */
  models: z.array(modelNameSchema).min(1).max(64).readonly().optional(),
  /** Most jobs that it may submit in a minute. */
  perMinute: z.int().min(1).max(1_000_000).optional(),
});
export type KeyLimits = z.infer<typeof keyLimitsSchema>;

/**
 * Who asks directors, as their subjects name it: an account's or a worker's id, and, of a key with limits, the key and
 * the limits. They are a part of the subject that the key may publish to, so the bus proves them with every request:
 * directors need not be told, and nobody can leave them out.
 */
export interface Asker {
  /** Of an account or a worker. */
  readonly id: string;
  /** Of a key with limits: the public one, `U…`. */
  readonly key?: string | undefined;
  readonly limits?: KeyLimits | undefined;
}

const SEPARATOR = '~';

/** One token of a subject. @throws Error for limits that make it too long for one */
export function formatAsker({ id, key, limits }: Asker): string {
  if (key === undefined || limits === undefined) return id;
  const token = [id, key, formatLimits(limits)].join(SEPARATOR);
  if (token.length <= LIMITS.askerLength) return token;
  throw new Error(`The limits of a key take ${token.length} characters, more than ${LIMITS.askerLength}.`);
}

/** Reads what {@link formatAsker} wrote; `undefined` for a token that it never writes. */
export function parseAsker(token: string): Asker | undefined {
  const [id = '', key, written, ...rest] = token.split(SEPARATOR);
  if (key === undefined) return { id };
  const limits = written === undefined ? undefined : parseLimits(written);
  if (limits === undefined || rest.length > 0 || !/^U[A-Z2-7]{55}$/.test(key)) return undefined;
  return { id, key, limits };
}

/** Letters, digits, `-` and `_` alone. */
export function formatLimits(limits: KeyLimits): string {
  return Buffer.from(JSON.stringify(keyLimitsSchema.parse(limits))).toString('base64url');
}

export function parseLimits(text: string): KeyLimits | undefined {
  try {
    return keyLimitsSchema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}

/** Whether a key with these limits may ask for a model, or serve it. */
export function mayUse(limits: KeyLimits | undefined, model: ModelName): boolean {
  return limits?.models?.includes(model) ?? true;
}

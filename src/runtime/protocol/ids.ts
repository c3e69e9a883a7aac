import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { LIMITS } from './limits.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** 128 random bits in Crockford's base 32: 26 characters, safe in a subject, a file name and a shell. */
const random128Schema = z.string().regex(/^[0-9a-hjkmnp-tv-z]{26}$/, 'must be 26 characters of base 32');

export const jobIdSchema = random128Schema.brand<'JobId'>();
export type JobId = z.infer<typeof jobIdSchema>;

/** A client's process, for as long as it is connected: what a director asks whether it is still there. */
export const clientIdSchema = random128Schema.brand<'ClientId'>();
export type ClientId = z.infer<typeof clientIdSchema>;

/** What whoever is handed a job from the queue knows of it, and who asked for the job does not: 128 random bits. */
export const ticketSchema = random128Schema.brand<'Ticket'>();
export type Ticket = z.infer<typeof ticketSchema>;

const nameSchema = z
  .string()
  .max(LIMITS.nameLength)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
    'must be letters, digits, "-" and "_", and start with a letter or digit',
  );

/** Who pays or earns, as the bus knows it: on a grid with keys an opaque id, see {@link newAccountId}. */
export const accountSchema = nameSchema.brand<'Account'>();
export type Account = z.infer<typeof accountSchema>;

/** What a grid's operator calls an account. It never travels on the bus. */
export const accountNameSchema = nameSchema.brand<'AccountName'>();
export type AccountName = z.infer<typeof accountNameSchema>;

export const workerIdSchema = nameSchema.brand<'WorkerId'>();
export type WorkerId = z.infer<typeof workerIdSchema>;

/** Accounts whose usage and earnings are told together. */
export const teamSchema = nameSchema.brand<'Team'>();
export type Team = z.infer<typeof teamSchema>;

/** The account of a grid that asks for no key: the embedded one. */
export const LOCAL_ACCOUNT = accountSchema.parse('local');

/** An account's id: 100 random bits, which tell a worker nothing of whose it is. */
export function newAccountId(random: (size: number) => Uint8Array = randomBytes): Account {
  return accountSchema.parse(`a${base32(random(13)).slice(0, 20)}`);
}

/** Whether this is an id as {@link newAccountId} makes them, and not a name, such as accounts go by on a grid without keys. */
export function isAccountId(account: Account): boolean {
  return /^a[0-9a-hjkmnp-tv-z]{20}$/.test(account);
}

export function newJobId(random: (size: number) => Uint8Array = randomBytes): JobId {
  return jobIdSchema.parse(base32(random(16)));
}

export function newClientId(random: (size: number) => Uint8Array = randomBytes): ClientId {
  return clientIdSchema.parse(base32(random(16)));
}

export function newTicket(random: (size: number) => Uint8Array = randomBytes): Ticket {
  return ticketSchema.parse(base32(random(16)));
}

/**
 * A worker's id: its name, made safe for a subject, and the head of its public key, so that equal names do not clash and
 * that nobody else can prove the id to be theirs.
 * @param key `U…`
 */
export function workerIdOf(name: string, key: string): WorkerId {
  const safe = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[-_]+/, '');
  // Its first character is that of every user's key.
  const suffix = key.slice(1, 13).toLowerCase();
  return workerIdSchema.parse(
    `${(safe || 'worker').slice(0, LIMITS.nameLength - suffix.length - 1)}-${suffix}`,
  );
}

/** Whether a worker's id is derived from this key. */
export function isWorkerOf(worker: WorkerId, key: string): boolean {
  return worker.endsWith(`-${key.slice(1, 13).toLowerCase()}`);
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}

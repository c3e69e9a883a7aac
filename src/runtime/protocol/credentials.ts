import { z } from 'zod';
import { AipgError } from './errors.ts';
import { accountSchema, workerIdSchema } from './ids.ts';
import { formatLimits, parseLimits } from './key-limits.ts';
import { type Member, ROLES } from './permissions.ts';

/** What a member shows the bus to be let in. */
export interface Credentials extends Member {
  /** Signed by the grid's account key; says what the member may do. */
  readonly jwt: string;
  /** The secret, `SU…`: a function, so that nothing that prints an object prints it. */
  readonly seed: () => string;
  /** Seconds since 1970. */
  readonly expiresAt?: number | undefined;
}

export const userSeedSchema = z.string().regex(/^SU[A-Z2-7]{56}$/, 'is not the seed of a user key');
export const userKeySchema = z.string().regex(/^U[A-Z2-7]{55}$/, 'is not a public user key');
const jwtSchema = z
  .string()
  .max(16_384)
  .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'is not a JWT');

/** What we read of a user's JWT; who issued it is the bus's to check. */
const claimsSchema = z.object({
  sub: userKeySchema,
  exp: z.int().positive().optional(),
  nats: z.object({ tags: z.array(z.string()) }),
});

/**
 * What a key is for, from the tags of its JWT.
 * @throws AipgError `usage` for a key that no `aipg grid invite` has made
 */
export function readCredentials(jwt: string, seed: string): Credentials {
  const claims = claimsSchema.safeParse(parseClaims(jwt));
  if (!jwtSchema.safeParse(jwt).success || !userSeedSchema.safeParse(seed).success || !claims.success) {
    throw notOurs();
  }
  const tag = (name: string) =>
    claims.data.nats.tags.find((text) => text.startsWith(`${name}:`))?.slice(name.length + 1);
  const role = z.enum(ROLES).safeParse(tag('role'));
  const account = accountSchema.safeParse(tag('account'));
  const worker = workerIdSchema.optional().safeParse(tag('worker'));
  const written = tag('limits');
  const limits = written === undefined ? undefined : parseLimits(written);
  const isWhole = written === undefined || limits !== undefined;
  if (!role.success || !account.success || !worker.success || !isWhole) throw notOurs();
  return {
    role: role.data,
    account: account.data,
    key: claims.data.sub,
    worker: worker.data,
    limits,
    expiresAt: claims.data.exp,
    jwt,
    seed: () => seed,
  };
}

/** The tags by which {@link readCredentials} knows what a key is for. */
export function memberTags({ role, account, worker, limits }: Member): string[] {
  return [
    `role:${role}`,
    `account:${account}`,
    ...(worker === undefined ? [] : [`worker:${worker}`]),
    ...(limits === undefined ? [] : [`limits:${formatLimits(limits)}`]),
  ];
}

/** A credentials file as NATS's own tools read it. */
export function formatCredentials({ jwt, seed }: Pick<Credentials, 'jwt' | 'seed'>): string {
  return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed()}
------END USER NKEY SEED------
`;
}

/** @throws AipgError `usage` for text that is no credentials file of a grid */
export function parseCredentials(text: string): Credentials {
  const block = (label: string) =>
    new RegExp(`-----BEGIN ${label}-----\\s+(\\S+)\\s+-----`).exec(text)?.[1] ?? '';
  return readCredentials(block('NATS USER JWT'), block('USER NKEY SEED'));
}

function parseClaims(jwt: string): unknown {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return undefined;
  }
}

function notOurs(): AipgError {
  return new AipgError('usage', 'These credentials are damaged, or were not made by `aipg grid invite`.', {
    hint: "Ask the grid's operator for a new invitation.",
  });
}

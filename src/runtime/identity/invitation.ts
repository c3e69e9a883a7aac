import { z } from 'zod';
import { busUrlSchema, profileNameSchema } from '../config/settings.ts';
import { type Credentials, readCredentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { type AccountName, accountNameSchema } from '../protocol/ids.ts';
import { parseJson } from './files.ts';
import { fingerprintOf } from './tls.ts';

/** Everything that a member needs to join, in one line. It holds the member's key: whoever has it is the member. */
export interface Invitation {
  readonly grid: string;
  readonly url: string;
  /** What the operator calls the member's account: for the member alone to read. */
  readonly name?: AccountName | undefined;
  /** The one CA that may have signed the certificate of the bus, as PEM. */
  readonly ca?: string | undefined;
  readonly credentials: Credentials;
}

const PREFIX = 'aipg-invitation-1.';
const MAX_LENGTH = 32_768;

/** A certificate as PEM. */
export const certificateSchema = z
  .string()
  .max(8_192)
  .refine((pem) => {
    try {
      return fingerprintOf(pem) !== '';
    } catch {
      return false;
    }
  }, 'is not a certificate');

const schema = z.object({
  grid: profileNameSchema,
  url: busUrlSchema,
  name: accountNameSchema.optional(),
  ca: certificateSchema.optional(),
  jwt: z.string(),
  seed: z.string(),
});

export function formatInvitation({ grid, url, name, ca, credentials }: Invitation): string {
  const { jwt, seed } = credentials;
  return (
    PREFIX + Buffer.from(JSON.stringify({ grid, url, name, ca, jwt, seed: seed() })).toString('base64url')
  );
}

/** @throws AipgError `usage` for text that is no invitation; the message does not repeat it */
export function parseInvitation(text: string): Invitation {
  const line = text.trim();
  if (line.startsWith(PREFIX) && line.length <= MAX_LENGTH) {
    const invitation = schema.safeParse(
      parseJson(Buffer.from(line.slice(PREFIX.length), 'base64url').toString()),
    );
    if (invitation.success) {
      const { jwt, seed, ...rest } = invitation.data;
      return { ...rest, credentials: readCredentials(jwt, seed) };
    }
  }
  throw new AipgError('usage', 'That is not an invitation, or a part of it is missing.', {
    hint: `An invitation is one line that starts with ${PREFIX} and is printed by \`aipg grid invite\`.`,
  });
}

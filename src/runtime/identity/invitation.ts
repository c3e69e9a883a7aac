import { z } from 'zod';
import { busUrlSchema, profileNameSchema } from '../config/settings.ts';
import { type Credentials, readCredentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { type AccountName, accountNameSchema } from '../protocol/ids.ts';

/** Everything that a member needs to join, in one line. It holds the member's key: whoever has it is the member. */
export interface Invitation {
  readonly grid: string;
  readonly url: string;
  /** What the operator calls the member's account: for the member alone to read. */
  readonly name?: AccountName | undefined;
  readonly credentials: Credentials;
}

const PREFIX = 'aipg-invitation-1.';
const MAX_LENGTH = 32_768;

const schema = z.object({
  grid: profileNameSchema,
  url: busUrlSchema,
  name: accountNameSchema.optional(),
  jwt: z.string(),
  seed: z.string(),
});

export function formatInvitation({ grid, url, name, credentials }: Invitation): string {
  const { jwt, seed } = credentials;
  return PREFIX + Buffer.from(JSON.stringify({ grid, url, name, jwt, seed: seed() })).toString('base64url');
}

/** @throws AipgError `usage` for text that is no invitation; the message does not repeat it */
export function parseInvitation(text: string): Invitation {
  const line = text.trim();
  if (line.startsWith(PREFIX) && line.length <= MAX_LENGTH) {
    const invitation = schema.safeParse(parseJson(line.slice(PREFIX.length)));
    if (invitation.success) {
      const { jwt, seed, ...rest } = invitation.data;
      return { ...rest, credentials: readCredentials(jwt, seed) };
    }
  }
  throw new AipgError('usage', 'That is not an invitation, or a part of it is missing.', {
    hint: `An invitation is one line that starts with ${PREFIX} and is printed by \`aipg grid invite\`.`,
  });
}

function parseJson(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString());
  } catch {
    return undefined;
  }
}

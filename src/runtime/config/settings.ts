import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeIssue } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { accountNameSchema, accountSchema, LOCAL_ACCOUNT } from '../protocol/ids.ts';
import type { Paths } from './paths.ts';

/** Names that mean something else where a profile's name is expected. */
const RESERVED = ['local'];

export const profileNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be up to 64 letters, digits, ".", "_" and "-"')
  .refine((name) => !RESERVED.includes(name), 'is reserved: it stands for this process alone');

/** `nats://host:port`, or several of one cluster separated by commas. */
export const busUrlSchema = z.string().refine(isBusUrl, 'must be nats://host:port or tls://host:port');

export const profileSchema = z.object({
  url: busUrlSchema,
  account: accountSchema.default(LOCAL_ACCOUNT),
  /** What the grid's operator calls the account. */
  accountName: accountNameSchema.optional(),
  /** Copies of each stream in a cluster; absent: as the bus has them. */
  replicas: z.int().min(1).max(5).optional(),
  /** The file with the member's key, for a grid that asks for one. */
  credentials: z.string().max(4_096).optional(),
  /** The file with the one CA that may have signed the certificate of a `tls://` bus; absent: those that this machine trusts. */
  ca: z.string().max(4_096).optional(),
});
export type Profile = z.infer<typeof profileSchema>;

/** Short enough to type, and never taken for a path, an `hf:` reference or a model's full name. */
export const aliasSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be up to 64 letters, digits, ".", "_" and "-"')
  .refine((name) => !/\.gguf$/i.test(name), 'must not end in .gguf, as a file does');

export const settingsSchema = z.object({
  /** The profile used when none is named and no grid runs on this machine. */
  grid: profileNameSchema.optional(),
  grids: z.record(profileNameSchema, profileSchema).default({}),
  /** Model references by the name that the user gave them. */
  aliases: z.record(aliasSchema, z.string().min(1).max(4_096)).default({}),
  /** Whether prompts and answers are kept in the log of this machine. Default: they are. */
  log: z.boolean().optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

export function settingsFile(paths: Pick<Paths, 'config'>): string {
  return join(paths.config, 'config.json');
}

/**
 * The user's settings; defaults where there is no file.
 * @throws AipgError `usage` when the file cannot be read as settings
 */
export function readSettings(paths: Pick<Paths, 'config'>): Settings {
  const file = settingsFile(paths);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return settingsSchema.parse({});
    throw new AipgError('usage', `The settings in ${file} cannot be read (${(error as Error).message}).`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AipgError('usage', `The settings in ${file} are not JSON.`, {
      hint: 'Mend the file, or delete it.',
    });
  }
  const settings = settingsSchema.safeParse(json);
  if (settings.success) return settings.data;
  throw new AipgError('usage', `The settings in ${file} are invalid: ${describeIssue(settings.error)}.`, {
    hint: 'Mend the file, or delete it.',
  });
}

export function isBusUrl(text: string): boolean {
  return text.split(',').every((part) => {
    if (!URL.canParse(part)) return false;
    const url = new URL(part);
    return (
      ['nats:', 'tls:'].includes(url.protocol) && url.hostname !== '' && ['', '/'].includes(url.pathname)
    );
  });
}

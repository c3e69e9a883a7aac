import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { userKeySchema } from '../protocol/credentials.ts';
import { accountNameSchema, accountSchema, workerIdSchema } from '../protocol/ids.ts';
import { keyLimitsSchema } from '../protocol/key-limits.ts';
import { ROLES } from '../protocol/permissions.ts';
import { parseJson, replaceFile, stringifyJson } from './files.ts';

/** What is kept of a key that was given away; the key itself is not. */
const recordSchema = z
  .object({
    key: userKeySchema,
    role: z.enum(ROLES),
    account: accountSchema,
    /** What the operator calls the account. In older records accounts have no id: they go by their names. */
    name: accountNameSchema.optional(),
    worker: workerIdSchema.optional(),
    /** Seconds since 1970. */
    issuedAt: z.number().int(),
    expiresAt: z.number().int().optional(),
    revokedAt: z.number().int().optional(),
    limits: keyLimitsSchema.optional(),
  })
  .transform((record) => ({ ...record, name: record.name ?? accountNameSchema.parse(record.account) }));
export type Issued = z.infer<typeof recordSchema>;

/** The keys that were given away: a file for each. */
export class Records {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The newest last. */
  async all(): Promise<Issued[]> {
    const files = (await readdir(this.#dir)).filter((file) => file.endsWith('.json'));
    const read = files.map(async (file) =>
      recordSchema.safeParse(parseJson(await readFile(join(this.#dir, file), 'utf8'))),
    );
    const records = (await Promise.all(read)).flatMap(({ data }) => (data ? [data] : []));
    return records.sort((a, b) => a.issuedAt - b.issuedAt || a.key.localeCompare(b.key));
  }

  async write(record: Issued): Promise<void> {
    await replaceFile(join(this.#dir, `${record.key}.json`), stringifyJson(record));
  }
}

import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AipgError } from '../protocol/errors.ts';
import {
  type Account,
  type AccountName,
  accountNameSchema,
  accountSchema,
  newAccountId,
} from '../protocol/ids.ts';
import { parseJson, readIfThere, stringifyJson } from './files.ts';

const keptSchema = z.object({ name: accountNameSchema, id: accountSchema });

/** Which id stands for which account's name: a file for each, which is never written again. */
export class Accounts {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * The id of the account of this name; a new one where there is none.
   * @param inherited the id of an account that was there before there were files of them
   * @throws AipgError `usage` when the file is damaged, or another name's where a folder knows no upper and lower case
   */
  async id(name: AccountName, inherited: () => Promise<Account | undefined>): Promise<Account> {
    const kept = await this.find(name);
    if (kept !== undefined) return kept;
    const id = (await inherited()) ?? newAccountId();
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const file = this.#file(name);
    const draft = `${file}.${id}`;
    await writeFile(draft, stringifyJson({ name, id }), { mode: 0o600 });
    try {
      // Whole or not at all, and never over what another process wrote in this moment.
      await link(draft, file);
      return id;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return (await this.find(name)) ?? id;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /**
   * The id of the account of this name, where there is one.
   * @throws AipgError `usage` when the file is damaged, or another name's where a folder knows no upper and lower case
   */
  async find(name: AccountName): Promise<Account | undefined> {
    const file = this.#file(name);
    const text = await readIfThere(file);
    if (text === undefined) return undefined;
    const kept = keptSchema.safeParse(parseJson(text));
    if (kept.success && kept.data.name === name) return kept.data.id;
    if (kept.success) {
      throw new AipgError(
        'usage',
        `There is an account named ${kept.data.name}, which is ${name} to this folder.`,
        {
          hint: 'Choose a name that differs in more than upper and lower case.',
        },
      );
    }
    throw new AipgError('usage', `The account in ${file} is damaged.`, {
      hint: 'Put back a copy of the file.',
    });
  }

  #file(name: AccountName): string {
    return join(this.#dir, `${name}.json`);
  }
}

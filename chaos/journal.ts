import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { jobEventSchema } from '../src/runtime/protocol/events.ts';
import { jobIdSchema } from '../src/runtime/protocol/ids.ts';

/** What a client process wrote down of what it saw, a line for each, in order. */
const entrySchema = z.intersection(
  z.object({
    /** Milliseconds since 1970. */
    at: z.number(),
    job: jobIdSchema,
  }),
  z.discriminatedUnion('type', [
    /** A stream of the job's events begins: of a new job, or of one that was submitted before. */
    z.object({ type: z.literal('open'), how: z.enum(['submit', 'attach']) }),
    z.object({ type: z.literal('accepted') }),
    z.object({ type: z.literal('event'), event: jobEventSchema }),
    /** The grid's own word for what the client could not get; the client goes on with the job all the same. */
    z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
  ]),
);
export type Entry = z.infer<typeof entrySchema>;

/** Writes each entry before it returns, so that a killed process leaves all that it saw. */
export class JournalWriter implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** A last line without its end was cut off by a kill. @throws Error for any other line that is malformed */
export async function readJournal(path: string): Promise<Entry[]> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  return lines.slice(0, -1).map((line) => entrySchema.parse(JSON.parse(line)));
}

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { complete } from './completion/candidates.ts';
import type { ProgramFacts } from './completion/manifest.ts';
import { machineValues } from './completion/values.ts';

/** Whoever pressed Tab does not wait longer, in milliseconds: a cache may lie on a disk that sleeps. */
const PATIENCE_MS = 1_500;

/**
 * Answers the shells' scripts: `aipg __complete WORD…`, the last word being the one under the cursor. Prints `files` or
 * `words` on the first line, then a candidate on each: the whole word, a tab, what it is. It never fails and never
 * writes to stderr: that would land in the middle of what a person is typing. It is no oclif command, which would take
 * twice as long to start.
 */
export async function answerShell(words: readonly string[]): Promise<void> {
  const timer = setTimeout(() => process.exit(0), PATIENCE_MS);
  try {
    const { candidates, files } = await complete(words, readProgram(), machineValues(process.env));
    const lines = candidates
      .filter(({ value }) => !/\p{Cc}/u.test(value))
      .map(({ value, description = '' }) => `${value}\t${description.replaceAll(/\p{Cc}/gu, ' ')}`);
    process.stdout.write(`${[files ? 'files' : 'words', ...lines].join('\n')}\n`);
  } catch {
    // Nothing to offer.
  } finally {
    // Does not keep the process, and ends it should something else do so, such as a connection.
    timer.unref();
  }
}

function readProgram(): ProgramFacts {
  const read = (file: string) =>
    JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')) as unknown;
  const { commands } = read('oclif.manifest.json') as Pick<ProgramFacts, 'commands'>;
  const { oclif } = read('package.json') as { oclif: Pick<ProgramFacts, 'topics'> };
  return { commands, topics: oclif.topics };
}

await answerShell(process.argv.slice(3));

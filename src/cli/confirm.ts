import process from 'node:process';

/** Asks on a terminal and takes only `y` and `yes` for a yes; where nobody can be asked, what was typed is the yes. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const { createInterface } = await import('node:readline/promises');
  using reader = createInterface({ input: process.stdin, output: process.stderr });
  const aborted = new AbortController();
  reader.once('close', () => aborted.abort());
  const answer = await reader.question(`${question} [y/N] `, { signal: aborted.signal }).catch(() => '');
  return /^y(es)?$/i.test(answer.trim());
}

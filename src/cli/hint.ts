import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Paths } from '../runtime/config/paths.ts';
import { paint } from './terminal.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Says something useful on stderr at most once a day, and only to a person at a terminal. */
export function hintOncePerDay(paths: Paths, name: string, text: string): void {
  if (!process.stderr.isTTY) return;
  const file = join(paths.state, `hint-${name}`);
  const shown = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - shown < DAY_MS) return;
  try {
    mkdirSync(paths.state, { recursive: true, mode: 0o700 });
    writeFileSync(file, '');
  } catch {
    // A home that cannot be written to gets the hint each time.
  }
  process.stderr.write(`${paint(process.stderr).dim(text)}\n`);
}

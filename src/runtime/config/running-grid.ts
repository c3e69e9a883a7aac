import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { ordinalSchema, timeSchema } from '../protocol/numbers.ts';
import type { Paths } from './paths.ts';
import { busUrlSchema } from './settings.ts';

/** What `aipg up` leaves for the other commands of this machine to find it by. */
export const runningGridSchema = z.object({
  pid: ordinalSchema,
  url: busUrlSchema,
  model: z.string(),
  /** The profile whose key its bus asks for; absent on a bus without keys. */
  profile: z.string().optional(),
  /** Milliseconds since 1970. */
  startedAt: timeSchema,
});
export type RunningGrid = z.infer<typeof runningGridSchema>;

export function runningGridFile(paths: Paths): string {
  return join(paths.state, 'up.json');
}

/** The grid that runs on this machine now; `undefined` when none does, or what is written is of a dead process. */
export function readRunningGrid(paths: Paths): RunningGrid | undefined {
  let text: string;
  try {
    text = readFileSync(runningGridFile(paths), 'utf8');
  } catch {
    return undefined;
  }
  const grid = parseRunningGrid(text);
  return grid && isAlive(grid.pid) ? grid : undefined;
}

export function writeRunningGrid(paths: Paths, grid: RunningGrid): void {
  const file = runningGridFile(paths);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(grid)}\n`, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

export function removeRunningGrid(paths: Paths): void {
  rmSync(runningGridFile(paths), { force: true });
}

function parseRunningGrid(text: string): RunningGrid | undefined {
  try {
    return runningGridSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

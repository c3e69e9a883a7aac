import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { runningGridFile } from '../../src/runtime/config/running-grid.ts';

export interface Home extends AsyncDisposable {
  /** A home of its own: no settings, no running grid. The cache is the user's. */
  readonly env: NodeJS.ProcessEnv;
}

export async function temporaryHome(): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  const { AIPG_GRID: _, ...inherited } = process.env;
  return {
    env: {
      ...inherited,
      XDG_CONFIG_HOME: join(folder, 'config'),
      XDG_DATA_HOME: join(folder, 'data'),
      XDG_STATE_HOME: join(folder, 'state'),
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `aipg up` in a home, until disposed. */
export async function startGrid(
  program: string,
  { env }: Home,
  args: readonly string[] = [],
): Promise<AsyncDisposable> {
  const grid = spawn(process.execPath, [program, 'up', ...args], { env, stdio: 'ignore' });
  const state = runningGridFile({ state: join(env['XDG_STATE_HOME'] ?? '', 'aipg') } as never);
  while (!existsSync(state)) {
    if (grid.exitCode !== null) throw new Error(`aipg up ended early (${grid.exitCode})`);
    await delay(50);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      const gone = once(grid, 'exit');
      grid.kill('SIGTERM');
      await gone;
    },
  };
}

import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** Where everything of ours lives on this machine: the XDG base directories, with `aipg` below each. */
export interface Paths {
  /** Settings that the user makes: grid profiles. */
  readonly config: string;
  /** What must survive: the bus's JetStream data. */
  readonly data: string;
  /** What may be deleted at any time: downloaded programs, hashes, thread trials. */
  readonly cache: string;
  /** What says how this machine is now: the running grid, logs. */
  readonly state: string;
}

/**
 * Follows the XDG Base Directory Specification 0.8 on every platform: a relative path in a variable is ignored.
 */
export function resolvePaths(env: NodeJS.ProcessEnv = process.env, home: string = homedir()): Paths {
  const base = (variable: string, fallback: string) => {
    const value = env[variable];
    return join(
      value?.startsWith('/') || /^[A-Za-z]:[\\/]/.test(value ?? '')
        ? (value as string)
        : join(home, fallback),
      'aipg',
    );
  };
  return {
    config: base('XDG_CONFIG_HOME', '.config'),
    data: base('XDG_DATA_HOME', '.local/share'),
    cache: base('XDG_CACHE_HOME', '.cache'),
    state: base('XDG_STATE_HOME', '.local/state'),
  };
}

/** Of the grid that `aipg demo` runs: what it keeps and where it is, apart from that of `aipg up`. */
export function demoPaths(paths: Paths): Paths {
  return { ...paths, data: join(paths.data, 'demo'), state: join(paths.state, 'demo') };
}

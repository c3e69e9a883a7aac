import { AipgError } from '../protocol/errors.ts';
import { type Account, LOCAL_ACCOUNT } from '../protocol/ids.ts';
import type { Paths } from './paths.ts';
import { findProfile } from './profiles.ts';
import { readRunningGrid } from './running-grid.ts';
import { isBusUrl, readSettings } from './settings.ts';

/** A grid behind a bus, and the account to use there. */
export interface BusChoice {
  readonly where: 'bus';
  readonly name: string;
  readonly url: string;
  readonly account: Account;
  /** Copies of each stream in a cluster; absent: as the bus has them. */
  readonly replicas?: number | undefined;
}

/** Where a job goes: to this process or to a bus. */
export type GridChoice = { readonly where: 'local' } | BusChoice;

export interface SelectGridOptions {
  readonly paths: Paths;
  /** `--grid` or `AIPG_GRID`, in that order: `local`, a profile's name or an address. */
  readonly asked?: string | undefined;
}

/**
 * What was asked for, else the grid that runs on this machine, else the default profile, else this process.
 * @throws AipgError `usage` when no such grid is known
 */
export function selectGrid({ paths, asked }: SelectGridOptions): GridChoice {
  if (asked === 'local') return { where: 'local' };
  if (asked !== undefined && asked !== '') {
    if (isBusUrl(asked)) return { where: 'bus', name: asked, url: asked, account: LOCAL_ACCOUNT };
    if (asked.includes('://')) {
      throw new AipgError('usage', `${asked} is not the address of a grid.`, {
        hint: 'Write it as nats://host:port.',
      });
    }
    return { where: 'bus', name: asked, ...findProfile(readSettings(paths), asked) };
  }
  const running = readRunningGrid(paths);
  if (running) return { where: 'bus', name: 'this machine', url: running.url, account: LOCAL_ACCOUNT };
  const settings = readSettings(paths);
  if (settings.grid === undefined) return { where: 'local' };
  return { where: 'bus', name: settings.grid, ...findProfile(settings, settings.grid) };
}

/**
 * The same choice for what needs a bus in any case, such as a worker.
 * @throws AipgError `usage`, `grid-unreachable` when there is no grid but this process
 */
export function selectBus(options: SelectGridOptions): BusChoice {
  const choice = selectGrid(options);
  if (choice.where === 'bus') return choice;
  throw new AipgError(
    'grid-unreachable',
    'There is no grid to join: none runs on this machine and none is set up.',
    {
      hint: 'Start one here with `aipg up`, or name one: --grid nats://host:4222',
    },
  );
}

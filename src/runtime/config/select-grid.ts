import process from 'node:process';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, LOCAL_ACCOUNT } from '../protocol/ids.ts';
import { credentialsFrom, loadCa, loadCredentials } from './credentials.ts';
import { demoPaths, type Paths } from './paths.ts';
import { findProfile } from './profiles.ts';
import { type RunningGrid, readRunningGrid } from './running-grid.ts';
import { isBusUrl, type Profile, readSettings } from './settings.ts';

/** A grid behind a bus, and the account to use there. */
export interface BusChoice {
  readonly where: 'bus';
  readonly name: string;
  readonly url: string;
  readonly account: Account;
  /** The key to show there. */
  readonly credentials?: Credentials | undefined;
  /** The one CA that may have signed the certificate of its bus, as PEM. */
  readonly ca?: string | undefined;
  /** Names that the certificate may have beside those of the address. */
  readonly hosts?: readonly string[] | undefined;
  /** Copies of each stream in a cluster; absent: as the bus has them. */
  readonly replicas?: number | undefined;
}

/** Where a job goes: to this process or to a bus. */
export type GridChoice = { readonly where: 'local' } | BusChoice;

/** How `--grid` names the grid of `aipg demo`, unless a profile has that name. */
export const DEMO_GRID = 'demo';

export interface SelectGridOptions {
  readonly paths: Paths;
  /** `--grid` or `AIPG_GRID`, in that order: `local`, a profile's name, `demo` or an address. */
  readonly asked?: string | undefined;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * What was asked for, else the grid that runs on this machine, else the default profile, else this process.
 * @throws AipgError `usage` when no such grid is known, `grid-unreachable` when the demo was asked for and does not run
 */
export function selectGrid({ paths, asked, env = process.env }: SelectGridOptions): GridChoice {
  if (asked === 'local') return { where: 'local' };
  if (asked !== undefined && asked !== '') {
    if (isBusUrl(asked)) return withKey({ name: asked, url: asked }, credentialsFrom(env));
    if (asked.includes('://')) {
      throw new AipgError('usage', `${asked} is not the address of a grid.`, {
        hint: 'Write it as nats://host:port.',
      });
    }
    const settings = readSettings(paths);
    if (asked === DEMO_GRID && !Object.hasOwn(settings.grids, DEMO_GRID)) return demoHere(paths);
    return fromProfile(asked, findProfile(settings, asked));
  }
  const running = readRunningGrid(paths);
  if (running) return runningHere(paths, running);
  const settings = readSettings(paths);
  if (settings.grid === undefined) return { where: 'local' };
  return fromProfile(settings.grid, findProfile(settings, settings.grid));
}

/** The grid that `aipg up` runs here, at the address at which this machine reaches it. */
export function runningHere(paths: Paths, { url, profile }: RunningGrid): BusChoice {
  const name = 'this machine';
  if (profile === undefined) return withKey({ name, url }, undefined);
  const known = findProfile(readSettings(paths), profile);
  const hosts = known.url.split(',').map((server) => new URL(server).hostname);
  const { credentials, ca } = fromProfile(profile, known);
  return withKey({ name, url, ca, hosts }, credentials);
}

/** The grid that `aipg demo` runs here. */
function demoHere(paths: Paths): BusChoice {
  const running = readRunningGrid(demoPaths(paths));
  if (running) return withKey({ name: DEMO_GRID, url: running.url }, undefined);
  throw new AipgError('grid-unreachable', 'The demo does not run on this machine.', {
    hint: 'Start it with `aipg demo`.',
  });
}

export function fromProfile(name: string, profile: Profile): BusChoice {
  const { url, account, replicas, credentials } = profile;
  const ca = profile.ca === undefined ? undefined : loadCa(profile.ca);
  if (credentials !== undefined) return withKey({ name, url, replicas, ca }, loadCredentials(credentials));
  return { where: 'bus', name, url, account, replicas, ca };
}

/** The account is the key's own, where there is one. */
function withKey(
  grid: Omit<BusChoice, 'where' | 'account' | 'credentials'>,
  credentials: Credentials | undefined,
): BusChoice {
  return { where: 'bus', ...grid, account: credentials?.account ?? LOCAL_ACCOUNT, credentials };
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

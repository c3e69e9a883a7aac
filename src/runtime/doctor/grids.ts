import { connectBus, redactUrl } from '../bus/connect.ts';
import { readRunningGrid } from '../config/running-grid.ts';
import { type BusChoice, fromProfile, runningHere } from '../config/select-grid.ts';
import { readSettings } from '../config/settings.ts';
import { takeSnapshot } from '../monitor/snapshot.ts';
import { type Check, type Finding, fromError, type Machine } from './check.ts';
import { clockSkewMs } from './clock.ts';

/** Clocks further apart than this make times in logs and results hard to compare, in milliseconds. */
const MUCH_SKEW_MS = 5_000;

interface KnownGrid {
  readonly name: string;
  readonly url: string;
  /** May fail to read a key. */
  readonly choose: () => BusChoice;
  /** Whether jobs go there when no grid is named. */
  readonly isDefault: boolean;
}

/** The grid that runs here and those of the profiles: can they be reached, does someone admit and do the work? */
export const grids: Check = {
  subject: 'grids',
  limitMs: 15_000,
  find: async (machine) => {
    const known = knownGrids(machine);
    if (known.length > 0) return Promise.all(known.map((grid) => visit(grid, machine)));
    return [
      {
        subject: 'grids',
        status: 'ok',
        summary: 'none is up or set up; `aipg gen` answers in its own process, `aipg up` starts one',
        facts: { known: 0 },
      },
    ];
  },
};

function knownGrids({ paths }: Machine): KnownGrid[] {
  const running = readRunningGrid(paths);
  const settings = readSettings(paths);
  const profiles = Object.entries(settings.grids).map(([name, profile]) => ({
    name: `grid ${name}`,
    url: profile.url,
    choose: () => fromProfile(name, profile),
    isDefault: !running && name === settings.grid,
  }));
  if (!running) return profiles;
  const choose = () => runningHere(paths, running);
  return [{ name: 'this machine', url: running.url, choose, isDefault: true }, ...profiles];
}

async function visit({ name, url, choose, isDefault }: KnownGrid, { version }: Machine): Promise<Finding> {
  const worst = isDefault ? 'broken' : 'warning';
  try {
    const connection = await connectBus({ ...choose(), name: 'aipg doctor' });
    try {
      const { bus, directors, workers, models } = await takeSnapshot(connection);
      const skewMs = await clockSkewMs(connection);
      const versions = [...new Set([...directors, ...workers].map((each) => each.version))];
      const others = versions.filter((each) => each !== version);
      const facts = {
        url: redactUrl(url),
        natsServer: bus.version,
        roundTripMs: bus.roundTripMs,
        directors: directors.length,
        workers: workers.length,
        models: models.map((model) => model.name),
        versions,
        clockSkewMs: skewMs ?? null,
      };
      const summary = `${redactUrl(url)}, nats-server ${bus.version} ${bus.roundTripMs} ms away, ${count(directors.length, 'director')}, ${count(workers.length, 'worker')}`;
      const found = { subject: name, summary, facts };
      if (directors.length === 0) {
        return {
          ...found,
          status: worst,
          fix: 'Nobody admits jobs there: start a director with `aipg director`.',
        };
      }
      if (workers.length === 0) {
        return { ...found, status: worst, fix: 'Nobody works there: serve a model with `aipg worker`.' };
      }
      if (others.length > 0) {
        const fix = `Others there run aipg ${others.join(', ')}, this is ${version}: bring all to one version.`;
        return { ...found, status: 'warning', fix };
      }
      if (skewMs !== undefined && Math.abs(skewMs) > MUCH_SKEW_MS) {
        const fix = `The clocks are ${Math.round(Math.abs(skewMs) / 1_000)} s apart: let NTP set both.`;
        return { ...found, status: 'warning', fix };
      }
      return { ...found, status: 'ok' };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return fromError(name, error, worst);
  }
}

function count(many: number, thing: string): string {
  return `${many} ${thing}${many === 1 ? '' : 's'}`;
}

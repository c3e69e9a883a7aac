import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBusServer } from '../../src/runtime/bus/server/ensure.ts';
import { startBusServer } from '../../src/runtime/bus/server/start.ts';
import { resolvePaths } from '../../src/runtime/config/paths.ts';
import type { Authority } from '../../src/runtime/identity/authority.ts';

export interface BenchBus extends AsyncDisposable {
  readonly url: string;
  /** Processor time that nats-server has used, in microseconds; 0 where /proc does not tell. */
  cpuMicros(): number;
}

/**
 * A nats-server of the benchmark's own, as `aipg up` runs it, with an empty store on disk.
 * @param authority whose keys it asks for; absent: it asks for none
 */
export async function startBus(authority?: Authority): Promise<BenchBus> {
  const server = await ensureBusServer({ cacheDir: resolvePaths().cache });
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  const bus = await startBusServer({
    server,
    dataDir: join(folder, 'data'),
    logFile: join(folder, 'bus.log'),
    trust: authority && (() => authority.trust()),
  });
  return {
    url: bus.url,
    cpuMicros: () => cpuMicros(bus.pid),
    [Symbol.asyncDispose]: async () => {
      await bus.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Linux counts in hundredths of a second: fields 14 and 15 of /proc/PID/stat, user and system. */
function cpuMicros(pid: number | undefined): number {
  try {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return 10_000 * ((user ?? 0) + (system ?? 0));
  } catch {
    return 0;
  }
}

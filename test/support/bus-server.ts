import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBusServer } from '../../src/runtime/bus/server/ensure.ts';
import { type RunningBusServer, startBusServer } from '../../src/runtime/bus/server/start.ts';
import { resolvePaths } from '../../src/runtime/config/paths.ts';

/** A real nats-server of a test's own. */
export interface TestBus extends AsyncDisposable {
  readonly url: string;
  /** Its temporary folder: `data` (JetStream), `bus.log`. */
  readonly dir: string;
  readonly server: RunningBusServer;
  /** Ends the server and deletes the folder. */
  stop(): Promise<void>;
}

/** Starts a server on a free port with an empty store; the executable is installed once, in the user's cache. */
export async function startTestBus(): Promise<TestBus> {
  const executable = await ensureBusServer({ cacheDir: resolvePaths().cache });
  const dir = await mkdtemp(join(tmpdir(), 'aipg-bus-'));
  const server = await startBusServer({
    server: executable,
    dataDir: join(dir, 'data'),
    logFile: join(dir, 'bus.log'),
  });
  const stop = async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { url: server.url, dir, server, stop, [Symbol.asyncDispose]: stop };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ensureBusServer } from '../../src/runtime/bus/server/ensure.ts';
import { resolvePaths } from '../../src/runtime/config/paths.ts';

/** Real nats-servers that form one JetStream cluster. */
export interface TestCluster extends AsyncDisposable {
  /** Of all nodes, as a profile has it. */
  readonly url: string;
  /** Kills a node for real. @param name as JetStream calls it */
  kill(name: string): Promise<void>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function startCluster(nodes = 3): Promise<TestCluster> {
  const { path } = await ensureBusServer({ cacheDir: resolvePaths().cache });
  const dir = await mkdtemp(join(tmpdir(), 'aipg-cluster-'));
  const ports = await freePorts(2 * nodes);
  const client = ports.slice(0, nodes);
  const route = ports.slice(nodes);
  const children = new Map<string, ChildProcess>();
  /** Tells of each line that a server logs: what has changed in the cluster is logged. */
  const said = new EventEmitter();
  for (const [i, port] of client.entries()) {
    const name = `n${i + 1}`;
    const config = join(dir, `${name}.conf`);
    await writeFile(
      config,
      `server_name: ${name}
listen: 127.0.0.1:${port}
jetstream { store_dir: "${join(dir, name)}" }
cluster {
  name: test
  listen: 127.0.0.1:${route[i]}
  routes: [${route.map((other) => `"nats://127.0.0.1:${other}"`).join(', ')}]
}
`,
    );
    const child = spawn(path, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', () => said.emit('line'));
    children.set(name, child);
  }
  const url = client.map((port) => `nats://127.0.0.1:${port}`).join(',');
  const kill = async (name: string) => {
    const child = children.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async () => {
    await Promise.all([...children.keys()].map(kill));
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await ready(url, nodes, said);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, kill, [Symbol.asyncDispose]: stop };
}

/** Until a stream can have a copy on every node. */
async function ready(url: string, nodes: number, said: EventEmitter): Promise<void> {
  const connection = await connect({
    servers: url.split(','),
    waitOnFirstConnect: true,
    reconnectTimeWait: 100,
  });
  try {
    for (;;) {
      const changed = once(said, 'line');
      try {
        const manager = await jetstreamManager(connection);
        await manager.streams.add({ name: 'READY', subjects: ['ready'], num_replicas: nodes });
        await manager.streams.delete('READY');
        return;
      } catch {
        // No leader yet, or a node is missing.
        await changed;
      }
    }
  } finally {
    await connection.close();
  }
}

import { appendFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { BusServer } from '../src/runtime/bus/server/bus-server.ts';
import { type BusTrust, renderServerConfig } from '../src/runtime/bus/server/server-config.ts';
import { launchServer, type ServerProcess } from '../src/runtime/bus/server/server-process.ts';
import { STREAMS } from '../src/runtime/protocol/subjects.ts';

const START_MS = 60_000;
const STOP_MS = 10_000;
const MIB = 1024 ** 2;

/** One nats-server, started again on the same store and port whenever it is killed. */
class BusNode {
  readonly name: string;
  readonly port: number;
  pid: number | undefined;
  readonly #launch: () => ServerProcess;
  #process: ServerProcess | undefined;

  constructor(name: string, port: number, launch: () => ServerProcess) {
    this.name = name;
    this.port = port;
    this.#launch = launch;
  }

  async start(): Promise<void> {
    this.#process = this.#launch();
    this.pid = (await this.#process.ready).pid;
  }

  /** @returns when clients could connect again, in milliseconds since 1970 */
  async kill(downMs: number): Promise<number> {
    if (this.pid !== undefined) kill(this.pid, 'SIGKILL');
    await this.#process?.exited;
    this.pid = undefined;
    await delay(downMs);
    await this.start();
    return Date.now();
  }

  async suspend(ms: number): Promise<number> {
    const { pid } = this;
    if (pid !== undefined) kill(pid, 'SIGSTOP');
    await delay(ms);
    if (pid !== undefined) kill(pid, 'SIGCONT');
    return Date.now();
  }

  async stop(): Promise<void> {
    await this.#process?.stop(STOP_MS);
    this.pid = undefined;
  }
}

export interface BusOptions {
  readonly server: BusServer;
  /** Where the nodes keep their stores, configurations and logs. */
  readonly folder: string;
  /** 1, or 3 that form a cluster. */
  readonly nodes: 1 | 3;
  /** Whose keys it asks for; absent: it asks for none. */
  readonly trust?: BusTrust | undefined;
}

/** The bus of a run: one node, or a JetStream cluster of three. */
export class Bus implements AsyncDisposable {
  readonly nodes: readonly BusNode[];

  private constructor(nodes: readonly BusNode[]) {
    this.nodes = nodes;
  }

  /** Resolves when clients can connect; a cluster may still choose its leader. */
  static async start({ server, folder, nodes: count, trust }: BusOptions): Promise<Bus> {
    const ports = await freePorts(2 * count);
    const routes = ports.slice(count);
    const nodes: BusNode[] = [];
    for (const [index, port] of ports.slice(0, count).entries()) {
      const name = `node-${index + 1}`;
      const storeDir = join(folder, name);
      await mkdir(storeDir, { recursive: true });
      const config = join(folder, `${name}.conf`);
      const single = { storeDir, port, name, maxMemoryBytes: 256 * MIB, maxFileBytes: 4_096 * MIB };
      await writeFile(
        config,
        renderServerConfig({ ...single, syncAlways: false, trust }) +
          (count > 1 ? renderCluster(routes, index) : ''),
      );
      const log = join(folder, `${name}.log`);
      const launch = () =>
        launchServer({
          path: server.path,
          args: ['-c', config],
          onLine: (line) => appendFileSync(log, `${line}\n`),
          startTimeoutMs: START_MS,
        });
      nodes.push(new BusNode(name, port, launch));
    }
    await Promise.all(nodes.map((node) => node.start()));
    return new Bus(nodes);
  }

  get url(): string {
    return this.nodes.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  /** The node that leads the queue's stream; the first one where there is no cluster, or no leader now. */
  async leader(connection: NatsConnection): Promise<BusNode> {
    const info =
      this.nodes.length > 1
        ? await jetstreamManager(connection, { checkAPI: false })
            .then((manager) => manager.streams.info(STREAMS.jobs))
            .catch(() => undefined)
        : undefined;
    const leader = this.nodes.find(({ name }) => name === info?.cluster?.leader) ?? this.nodes[0];
    if (leader === undefined) throw new Error('The bus has no node.');
    return leader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

/** Nodes tell clients nothing of each other, so that nobody goes round its link. */
function renderCluster(routes: readonly number[], self: number): string {
  const others = routes.map((port) => `nats://127.0.0.1:${port}`);
  return `cluster {
  name: "chaos"
  listen: "127.0.0.1:${routes[self]}"
  no_advertise: true
  routes: [${others.map((url) => `"${url}"`).join(', ')}]
}
`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.once('listening', () => {
            const address = server.address();
            server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
          }),
        ),
    ),
  );
  return ports;
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import type { RecordStore } from '../../src/runtime/bus/record.ts';
import { ensureBusServer } from '../../src/runtime/bus/server/ensure.ts';
import { type RunningBusServer, startBusServer } from '../../src/runtime/bus/server/start.ts';
import { type Paths, resolvePaths } from '../../src/runtime/config/paths.ts';
import { Director, type DirectorOptions } from '../../src/runtime/director/director.ts';
import type { LoadedModel } from '../../src/runtime/engines/engine.ts';
import { createBusGrid } from '../../src/runtime/grids/bus.ts';
import type { Grid } from '../../src/runtime/grids/grid.ts';
import { Authority } from '../../src/runtime/identity/authority.ts';
import type { Credentials } from '../../src/runtime/protocol/credentials.ts';
import { type Account, accountNameSchema } from '../../src/runtime/protocol/ids.ts';
import type { KeyLimits } from '../../src/runtime/protocol/key-limits.ts';
import type { Role } from '../../src/runtime/protocol/permissions.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { type Logged, recordingLog } from './grid.ts';

/** A connection by a member's key, for a test to misuse. */
export interface Raw {
  readonly connection: NatsConnection;
  readonly credentials: Credentials;
  /** What the bus refused: `publish SUBJECT` and `subscription SUBJECT`. */
  readonly violations: ReadonlySet<string>;
}

export interface OpenGridOptions extends Partial<DirectorOptions> {
  /** Speaks TLS alone, by a certificate that the grid's own CA has signed. */
  readonly tls?: boolean;
}

/** A real bus that asks for keys, made as `aipg grid init` and `aipg up --listen` do, with a director. */
export class OpenGrid implements AsyncDisposable {
  readonly authority: Authority;
  readonly server: RunningBusServer;
  readonly director: Director;
  readonly lines: Logged[];
  /** Of a grid behind TLS. */
  readonly ca: string | undefined;
  readonly #stack: AsyncDisposableStack;
  readonly #workers = new Map<Worker, NatsConnection>();

  private constructor(
    authority: Authority,
    server: RunningBusServer,
    director: Director,
    lines: Logged[],
    stack: AsyncDisposableStack,
    ca: string | undefined,
  ) {
    this.ca = ca;
    this.authority = authority;
    this.server = server;
    this.director = director;
    this.lines = lines;
    this.#stack = stack;
  }

  static async start({ tls: isSecure = false, ...options }: OpenGridOptions = {}): Promise<OpenGrid> {
    const stack = new AsyncDisposableStack();
    const dir = await mkdtemp(join(tmpdir(), 'aipg-open-grid-'));
    stack.defer(() => rm(dir, { recursive: true, force: true }));
    const paths: Paths = { config: dir, data: dir, cache: resolvePaths().cache, state: dir };
    const scheme = isSecure ? 'tls' : 'nats';
    const authority = await Authority.create(paths, 'test', `${scheme}://127.0.0.1:4222`);
    const ca = await authority.certificates.ca();
    const server = await startBusServer({
      server: await ensureBusServer({ cacheDir: paths.cache }),
      dataDir: join(dir, 'bus'),
      logFile: join(dir, 'bus.log'),
      trust: () => authority.trust(),
      tls: isSecure ? await authority.certificates.issue(['127.0.0.1']) : undefined,
    });
    stack.use(server);
    const { log, lines } = recordingLog();
    const credentials = await authority.mint('director');
    const connection = await connectBus({ url: server.url, name: 'director', credentials, ca });
    stack.defer(() => connection.close());
    const director = stack.use(await Director.start({ connection, version: '0.0.0', log, ...options }));
    return new OpenGrid(authority, server, director, lines, stack, ca);
  }

  async member(role: Role, account: string, expiresAt?: number, limits?: KeyLimits): Promise<Credentials> {
    return this.authority.issue({ role, name: accountNameSchema.parse(account), expiresAt, limits });
  }

  /** The id of the account of this name. */
  async account(name: string): Promise<Account> {
    return this.authority.account(accountNameSchema.parse(name));
  }

  async connect(credentials: Credentials): Promise<NatsConnection> {
    const connection = await connectBus({ url: this.server.url, name: 'test', credentials, ca: this.ca });
    this.#stack.defer(() => connection.close());
    return connection;
  }

  async raw(role: Role, account: string, limits?: KeyLimits): Promise<Raw> {
    const credentials = await this.member(role, account, undefined, limits);
    const connection = await this.connect(credentials);
    const violations = new Set<string>();
    void (async () => {
      for await (const status of connection.status()) {
        if (status.type !== 'error') continue;
        const [, what, subject] =
          /Violation for (\w+)(?: with Reply)?(?: of| to)? "([^"]+)"/i.exec(status.error.message) ?? [];
        violations.add(`${what?.toLowerCase()} ${subject}`);
      }
    })();
    return { connection, credentials, violations };
  }

  async client(account: string, limits?: KeyLimits): Promise<Grid> {
    const credentials = await this.member('user', account, undefined, limits);
    const connection = await this.connect(credentials);
    return createBusGrid({ name: 'test', connection, account: credentials.account });
  }

  async worker(model: LoadedModel, account: string, limits?: KeyLimits): Promise<Worker> {
    const credentials = await this.member('worker', account, undefined, limits);
    const { log } = recordingLog();
    const connection = await this.connect(credentials);
    const worker = await Worker.start({
      connection,
      identity: identityOf(connection, 'none'),
      version: '0.0.0',
      model,
      log,
    });
    this.#workers.set(worker, connection);
    this.#stack.defer(() => worker.drain({ timeoutMs: 0 }));
    return worker;
  }

  /** A worker's connection, to be broken. */
  connectionOf(worker: Worker): NatsConnection {
    const connection = this.#workers.get(worker);
    if (!connection) throw new Error('That worker is of another grid.');
    return connection;
  }

  /** With the operator's rights, to see what attacks have done. */
  async store(): Promise<RecordStore> {
    const connection = await this.connect(await this.member('operator', 'operator'));
    return { connection, jetstream: jetstream(connection), manager: await jetstreamManager(connection) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

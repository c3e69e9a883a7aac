import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Account, accountSchema, LOCAL_ACCOUNT } from '../src/runtime/protocol/ids.ts';
import type { ModelFile } from '../src/runtime/protocol/model.ts';
import { Actor } from './actor.ts';
import type { Bus } from './bus.ts';
import { type ChaosKeys, environmentOf } from './keys.ts';
import { type Plan, PROCESSES, type Role } from './plan.ts';
import type { ClientOrders } from './roles/client.ts';

const AIPG = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const CLIENT = fileURLToPath(new URL('./roles/client.ts', import.meta.url));
const SLOTS = 2;

export interface GridOptions {
  readonly bus: Bus;
  readonly plan: Plan;
  /** Of the run: all that its processes write is there. */
  readonly folder: string;
  readonly file: ModelFile;
  /** Jobs that each client waits for at once. */
  readonly inFlight: number;
  /** Directors keep a ledger, and each client asks for an account of its own. */
  readonly credits: boolean;
  /** Where the bus asks for them: each place has one of its own. */
  readonly keys?: ChaosKeys | undefined;
  /** A job has ended, as a client saw it; perhaps more than once. */
  readonly onEnd: (job: string) => void;
  readonly onFailure: (reason: string) => void;
}

/** Every process of a run but the bus's. */
export class ChaosGrid implements AsyncDisposable {
  readonly actors: readonly Actor[];
  /** What the client processes wrote down, the oldest first, by client. */
  readonly journals: readonly (readonly string[])[];
  readonly #keys: ChaosKeys | undefined;

  private constructor(
    actors: readonly Actor[],
    journals: readonly (readonly string[])[],
    keys: ChaosKeys | undefined,
  ) {
    this.actors = actors;
    this.journals = journals;
    this.#keys = keys;
  }

  /** Starts directors, then workers, then clients. */
  static async start(options: GridOptions): Promise<ChaosGrid> {
    const { bus, plan, folder, file, inFlight, credits, keys, onEnd, onFailure } = options;
    const home = join(folder, 'home');
    await mkdir(home, { recursive: true });
    const shared = {
      nodes: bus.nodes.map(({ port }) => port),
      onFailure,
    };
    const logged = (message: string) => (line: string) => line.includes(`"msg":"${message}"`);
    const actors: Actor[] = [];
    const journals: string[][] = [];
    const startAll = async (role: Role, start: (index: number) => Promise<Actor>) => {
      actors.push(
        ...(await Promise.all(Array.from({ length: PROCESSES[role] }, (_, index) => start(index)))),
      );
    };
    const common = (role: Role, index: number) => ({
      ...shared,
      role,
      index,
      env: { ...environment(home, folder), ...environmentOf(keys?.members[role][index]) },
      log: join(folder, `${role}-${index + 1}.log`),
    });
    const log = ['--log-format', 'json', '--log-level', 'debug'];
    await startAll('director', (index) =>
      Actor.start({
        ...common('director', index),
        command: async (_, url) => [
          ...[AIPG, 'director', '--grid', url, ...(credits ? ['--credits'] : []), ...log],
        ],
        isReady: logged('admitting jobs'),
      }),
    );
    await startAll('worker', (index) =>
      Actor.start({
        ...common('worker', index),
        command: async (run, url) => [
          ...[AIPG, 'worker', '--grid', url, '--name', workerName(index, run), ...log],
          ...['-m', file.path, '--slots', String(SLOTS), '--threads', '1'],
        ],
        isReady: logged('serving'),
      }),
    );
    await startAll('client', async (index) => {
      const mine: string[] = [];
      journals[index] = mine;
      const jobs = plan.jobs.filter(({ client }) => client === index);
      const command = async (run: number, url: string) => {
        const journal = join(folder, `client-${index + 1}.run-${run}.jsonl`);
        const orders: ClientOrders = {
          ...{ jobs, inFlight, journal, model: file.name, earlier: [...mine] },
          account: keys?.members.client[index]?.account ?? (credits ? askerOf(index) : LOCAL_ACCOUNT),
        };
        const path = join(folder, `client-${index + 1}.run-${run}.json`);
        await writeFile(path, JSON.stringify(orders));
        mine.push(journal);
        return ['--disable-warning=ExperimentalWarning', CLIENT, url, path];
      };
      return Actor.start({
        ...common('client', index),
        command,
        isReady: (line) => line === 'ready',
        onLine: onEnd,
      });
    });
    return new ChaosGrid(actors, journals, keys);
  }

  actor(role: Role, index: number): Actor {
    const found = this.actors.find((actor) => actor.role === role && actor.index === index);
    if (!found) throw new Error(`There is no ${role} ${index + 1}.`);
    return found;
  }

  /** The place in the grid of the worker with this id, from 0; -1 for none of it. */
  workerIndex(id: string): number {
    if (this.#keys) return this.#keys.members.worker.findIndex(({ worker }) => worker === id);
    return Number(/^w(\d+)r\d+-/.exec(id)?.[1]) - 1;
  }

  /** Lets the clients submit so many of the plan's jobs. */
  release(jobs: number): void {
    for (const actor of this.actors) if (actor.role === 'client') actor.tell(String(jobs));
  }

  /** Resolves when every client has seen all of its jobs end. */
  async clientsDone(): Promise<void> {
    await Promise.all(this.actors.filter(({ role }) => role === 'client').map((actor) => actor.done));
  }

  async measureMemory(): Promise<void> {
    await Promise.all(this.actors.map((actor) => actor.measureMemory()));
  }

  /** Stops workers, then directors. @returns what ended badly */
  async stop(): Promise<string[]> {
    const problems: (string | undefined)[] = [];
    for (const role of ['client', 'worker', 'director'] as const) {
      const of = this.actors.filter((actor) => actor.role === role);
      problems.push(...(await Promise.all(of.map((actor) => actor.stop()))));
    }
    return problems.filter((problem) => problem !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.actors.map((actor) => actor[Symbol.asyncDispose]()));
  }
}

/** The account of a client's place, where jobs are paid for: workers without a key of their own work for another. */
export function askerOf(index: number): Account {
  return accountSchema.parse(`asker-${index + 1}`);
}

/** By which the id of a worker without a key tells its place and its process. */
export function workerName(index: number, run: number): string {
  return `w${index + 1}r${run}`;
}

function environment(home: string, folder: string): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--report-on-signal --report-directory=${folder}`,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
    PATH: process.env['PATH'] ?? '',
    LANG: 'C.UTF-8',
    AIPG_GPU: 'off',
  };
}

import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import type { ChaosGrid } from './grid.ts';
import type { Fault } from './plan.ts';

/** After a fault that comes alone, what it did may take this long to be got over, in milliseconds. */
const GET_OVER_MS = 5_000;

/** A fault that was done. */
export interface DoneFault {
  readonly fault: Fault;
  /** Milliseconds since 1970. */
  readonly from: number;
  /** When what it was done to ran again, and could be reached. */
  readonly until: number;
}

/** So many jobs beyond the next fault's are let go ahead, so that all faults come while jobs flow. */
const AHEAD = 40;

/** Does the faults of a plan as jobs end. Two faults to the same process come one after another. */
export class FaultInjector {
  readonly done: DoneFault[] = [];
  readonly #left: Fault[];
  /** Those that are not over yet, the oldest first. */
  readonly #undone: Set<Fault>;
  readonly #grid: ChaosGrid;
  readonly #bus: Bus;
  readonly #connection: NatsConnection;
  readonly #onFault: (fault: Fault) => void;
  /** The last fault to each process. */
  readonly #busy = new Map<unknown, Promise<void>>();
  /** The last fault that came alone. */
  #alone: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly faults: readonly Fault[];
    readonly grid: ChaosGrid;
    readonly bus: Bus;
    readonly connection: NatsConnection;
    readonly onFault: (fault: Fault) => void;
  }) {
    this.#left = [...options.faults];
    this.#undone = new Set(options.faults);
    this.#grid = options.grid;
    this.#bus = options.bus;
    this.#connection = options.connection;
    this.#onFault = options.onFault;
    this.#release();
  }

  /** So many jobs have ended. */
  reached(ended: number): void {
    while (this.#left[0] !== undefined && this.#left[0].at <= ended) {
      const fault = this.#left.shift();
      if (fault) this.#queue(fault);
    }
  }

  /** Resolves when no fault is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  #queue(fault: Fault): void {
    const target = fault.target === 'bus' ? 'bus' : this.#grid.actor(fault.target, fault.index);
    const before = fault.alone ? [...this.#busy.values()] : [this.#busy.get(target)];
    const done = Promise.all([this.#alone, ...before]).then(() => this.#do(fault));
    this.#busy.set(target, done);
    if (fault.alone) this.#alone = done.then(() => delay(GET_OVER_MS));
  }

  async #do(fault: Fault): Promise<void> {
    this.#onFault(fault);
    const from = Date.now();
    const until = fault.target === 'bus' ? await this.#doToBus(fault) : await this.#doToActor(fault);
    this.done.push({ fault, from, until: until ?? Date.now() });
    this.#undone.delete(fault);
    this.#release();
  }

  #release(): void {
    const [next] = this.#undone;
    this.#grid.release(next === undefined ? Number.MAX_SAFE_INTEGER : next.at + AHEAD);
  }

  async #doToBus(fault: Extract<Fault, { target: 'bus' }>): Promise<number> {
    const { nodes } = this.#bus;
    const node =
      fault.node === 'leader' ? await this.#bus.leader(this.#connection) : nodes[fault.node % nodes.length];
    if (!node) throw new Error('The bus has no node.');
    return fault.kind === 'kill' ? node.kill(fault.ms) : node.suspend(fault.ms);
  }

  async #doToActor(fault: Exclude<Fault, { target: 'bus' }>): Promise<void> {
    const actor = this.#grid.actor(fault.target, fault.index);
    const { ms, delayMs = 0 } = fault;
    switch (fault.kind) {
      case 'kill':
        return actor.kill(ms);
      case 'stop':
        return actor.suspend(ms);
      case 'drain':
        return actor.replace();
      case 'lose':
        actor.link.lose();
        return;
      case 'cut':
        return during(ms, actor.link.cut());
      case 'hold':
        return during(ms, actor.link.hold());
      case 'delay':
        return during(ms, actor.link.delay(delayMs));
    }
  }
}

async function during(ms: number, end: () => void): Promise<void> {
  await delay(ms);
  end();
}

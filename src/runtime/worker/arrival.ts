import type { NatsConnection } from '@nats-io/transport-node';
import type { WorkerId } from '../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../protocol/limits.ts';
import type { ModelName } from '../protocol/model.ts';
import type { Heartbeat, Region } from '../protocol/worker.ts';
import { openLink, type WorkerLink } from './link.ts';

/** Between two words on the progress, in milliseconds. */
const TELL_MS = 500;

export interface ArrivalOptions {
  readonly connection: NatsConnection;
  readonly id: WorkerId;
  readonly version: string;
  readonly region?: Region | undefined;
  readonly slots: number;
  readonly replicas?: number | undefined;
}

/** Tells the grid of a worker that loads its model, so that those who wait for that model know how far it is. */
export class Arrival {
  readonly #options: ArrivalOptions;
  readonly #link: WorkerLink;
  readonly #startedAt = Date.now();
  #toldAt = Number.NEGATIVE_INFINITY;

  private constructor(options: ArrivalOptions, link: WorkerLink) {
    this.#options = options;
    this.#link = link;
  }

  static async announce(options: ArrivalOptions): Promise<Arrival> {
    return new Arrival(options, await openLink(options));
  }

  /** @param fraction 0 to 1 */
  tell(model: ModelName, fraction: number): void {
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    const { id, version, region, slots } = this.#options;
    const heartbeat: Heartbeat = {
      protocol: PROTOCOL_VERSION,
      worker: id,
      version,
      ...(region !== undefined && { region }),
      state: 'loading',
      loading: { model, fraction: Math.min(1, Math.max(0, fraction)) },
      models: [],
      slots: { total: slots, busy: 0 },
      jobs: { done: 0, failed: 0 },
      startedAt: this.#startedAt,
    };
    this.#link.beat(heartbeat).catch(() => undefined);
  }

  /** It does not come after all. */
  async withdraw(): Promise<void> {
    await this.#link.leave().catch(() => undefined);
  }
}

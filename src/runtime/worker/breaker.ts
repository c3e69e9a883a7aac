import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedModel } from '../engines/engine.ts';
import { toAipgError } from '../protocol/errors.ts';
import type { JobId } from '../protocol/ids.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Log } from '../protocol/log.ts';
import { deriveSeed, textInputSchema } from '../protocol/text.ts';

/** After this many different jobs in a row that failed here, it is the engine that is in doubt. */
const MAX_FAILURES = 3;
/** How long the engine may take to show that it works, in milliseconds. */
const CHECK_MS = 30_000;
/** The first pause before a check, in milliseconds; it doubles up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

const CHECK = textInputSchema.parse({
  prompt: { form: 'raw', text: 'One, two, three,' },
  maxTokens: 4,
  seed: deriveSeed('check'),
});

/**
 * Keeps a worker whose engine is broken from failing job after job: opens after several in a row, then checks the
 * engine until it works, and closes again.
 */
export class Breaker {
  readonly #model: LoadedModel;
  readonly #log: Log;
  readonly #onChange: (reason: string | undefined) => void;
  readonly #failures = new Set<JobId>();
  readonly #closing = new AbortController();
  #repaired: Promise<void> | undefined;

  /** @param onChange called with the reason when it opens, and with `undefined` when it closes */
  constructor(model: LoadedModel, log: Log, onChange: (reason: string | undefined) => void) {
    this.#model = model;
    this.#log = log;
    this.#onChange = onChange;
  }

  get isOpen(): boolean {
    return this.#repaired !== undefined;
  }

  /** Resolves at once unless it is open. */
  async whenClosed(): Promise<void> {
    await this.#repaired;
  }

  succeeded(): void {
    this.#failures.clear();
  }

  failed(job: JobId): void {
    this.#failures.add(job);
    if (this.#failures.size < MAX_FAILURES || this.isOpen) return;
    const reason = `${this.#failures.size} jobs in a row failed here; checking the engine`;
    this.#log.error(
      { failures: this.#failures.size },
      'taking no more jobs until the engine has passed a check',
    );
    this.#onChange(reason.slice(0, LIMITS.reasonLength));
    this.#repaired = this.#repair().finally(() => {
      this.#failures.clear();
      this.#repaired = undefined;
    });
  }

  /** Ends the checks; who waits goes on. */
  close(): void {
    this.#closing.abort();
  }

  async #repair(): Promise<void> {
    const { signal } = this.#closing;
    for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)) {
      await delay(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#check(AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]));
        this.#log.info({}, 'the engine works; taking jobs again');
        this.#onChange(undefined);
        return;
      } catch (error) {
        this.#log.error({ reason: toAipgError(error).message }, 'the engine failed its check');
      }
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    for await (const { finish } of this.#model.generate(CHECK, signal)) if (finish) return;
    throw new Error('The engine ended without a finish.');
  }
}

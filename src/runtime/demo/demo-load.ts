import type { Grid } from '../grids/grid.ts';
import { newJobId } from '../protocol/ids.ts';
import type { JobSpec, Tier } from '../protocol/job.ts';
import type { Log } from '../protocol/log.ts';
import type { ModelName } from '../protocol/model.ts';
import { randomSeed, textInputSchema } from '../protocol/text.ts';

/** The load swells and sinks around its mean by this share, once in this time, in milliseconds. */
const SWELL = 0.6;
const SWELL_MS = 60_000;
/** Of all jobs, those that somebody thinks better of, and after how long at most, in milliseconds. */
const CANCELLED = 0.06;
const CANCELLED_WITHIN_MS = 6_000;
const TIERS: readonly (readonly [tier: Tier, share: number])[] = [
  ['priority', 0.15],
  ['standard', 0.6],
  ['bulk', 0.25],
];
/** Output tokens at most. The bundled model ends by itself, a story after some 65. */
const MAX_TOKENS = { least: 20, most: 120 } as const;
const PROMPTS = [
  'Tell me a story about a fox.',
  'Tell me a story about a boat.',
  'Tell me about a girl named Mia and a key.',
  'Tell me a story about a bird in the garden.',
  'What is the capital of Ghana?',
  'What month comes after May?',
];

export interface DemoLoadOptions {
  /** One or more, asked in equal shares; they stay the caller's. */
  readonly grids: readonly Grid[];
  /** How often each is asked, against the others. */
  readonly models: ReadonlyMap<ModelName, number>;
  /** Jobs a second, in the mean. */
  readonly perSecond: number;
  readonly log: Log;
  /** 0 to below 1. */
  readonly random?: () => number;
  /** In milliseconds, never going back. */
  readonly now?: () => number;
}

/** Submits jobs of many kinds, as many people would, until disposed. */
export class DemoLoad implements AsyncDisposable {
  readonly #options: DemoLoadOptions;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #next: NodeJS.Timeout | undefined;

  constructor(options: DemoLoadOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    this.#schedule();
  }

  /** Ends its jobs. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#next);
    this.#ending.abort();
    await Promise.allSettled(this.#running);
  }

  /** People come independently of each other: the times between them are exponentially distributed. */
  #schedule(): void {
    const phase = (2 * Math.PI * (this.#now() - this.#startedAt)) / SWELL_MS;
    const perSecond = this.#options.perSecond * (1 + SWELL * Math.sin(phase));
    const ms = (-Math.log(1 - this.#random()) / perSecond) * 1_000;
    this.#next = setTimeout(() => {
      const running = this.#run()
        .catch((error: unknown) =>
          this.#options.log.debug({ reason: String(error) }, 'job of the demo ended'),
        )
        .finally(() => this.#running.delete(running));
      this.#running.add(running);
      this.#schedule();
    }, ms);
  }

  async #run(): Promise<void> {
    const { grids } = this.#options;
    const grid = grids[Math.floor(this.#random() * grids.length)] as Grid;
    const ending = this.#ending.signal;
    const job = await grid.submit(this.#draw(), { signal: ending });
    const cancel = () => void job.cancel('thought better of it').catch(() => undefined);
    const doubt =
      this.#random() < CANCELLED ? setTimeout(cancel, this.#random() * CANCELLED_WITHIN_MS) : undefined;
    ending.addEventListener('abort', cancel, { once: true });
    if (ending.aborted) cancel();
    try {
      await job.result();
    } finally {
      clearTimeout(doubt);
      ending.removeEventListener('abort', cancel);
    }
  }

  #draw(): JobSpec {
    const { least, most } = MAX_TOKENS;
    const content = PROMPTS[Math.floor(this.#random() * PROMPTS.length)] as string;
    return {
      id: newJobId(),
      kind: 'text',
      tier: this.#pick(TIERS),
      model: this.#pick([...this.#options.models]),
      input: textInputSchema.parse({
        prompt: { form: 'chat', messages: [{ role: 'user', content }] },
        maxTokens: Math.round(least + (most - least) * this.#random()),
        seed: randomSeed(),
      }),
      limits: {},
    };
  }

  /** One of several, each as often as its weight says. */
  #pick<T>(weighted: readonly (readonly [one: T, weight: number])[]): T {
    let left = this.#random() * weighted.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [one, weight] of weighted) {
      left -= weight;
      if (left < 0) return one;
    }
    return weighted.at(-1)?.[0] as T;
  }
}

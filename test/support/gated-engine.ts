import type { LoadedModel } from '../../src/runtime/engines/engine.ts';
import { instantEngine } from './instant-engine.ts';

/** An engine that begins each job at once and ends it when it is told to. */
export class GatedEngine {
  readonly model: LoadedModel;
  /** Prompts in the order in which they were begun. */
  readonly begun: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  #isOpen = false;

  constructor(slots: number) {
    const instant = instantEngine({ slots });
    const pass = (prompt: string, signal?: AbortSignal) => this.#pass(prompt, signal);
    this.model = {
      ...instant,
      async *generate(input, signal) {
        const { prompt } = input;
        const text = prompt.form === 'raw' ? prompt.text : (prompt.messages.at(-1)?.content ?? '');
        await pass(text, signal);
        yield* instant.generate(input, signal);
      },
    };
  }

  /** Ends this job, now or once it has begun. */
  end(prompt: string): void {
    this.#gate(prompt).resolve();
  }

  /** Ends all jobs, from now on. */
  open(): void {
    this.#isOpen = true;
    for (const gate of this.#gates.values()) gate.resolve();
  }

  async #pass(prompt: string, signal?: AbortSignal): Promise<void> {
    this.begun.push(prompt);
    if (this.#isOpen) return;
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    signal?.addEventListener('abort', () => resolve(), { once: true });
    if (!signal?.aborted) await Promise.race([this.#gate(prompt).promise, aborted]);
    signal?.throwIfAborted();
  }

  #gate(prompt: string): PromiseWithResolvers<void> {
    const gate = this.#gates.get(prompt) ?? Promise.withResolvers<void>();
    this.#gates.set(prompt, gate);
    return gate;
  }
}

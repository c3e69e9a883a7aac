import { Worker } from 'node:worker_threads';
import type { CheckedBlock } from './check-block.ts';

/** In the source beside this file; bundled, this is in a folder of shared code and the thread at its own place. */
const THREAD = import.meta.url.endsWith('.ts') ? './check-thread.ts' : '../runtime/ledger/check-thread.js';

/** A thread needs a few blocks' worth; by itself it would let hundreds of megabytes of garbage lie. */
const MEMORY = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 };

interface Thread {
  readonly worker: Worker;
  /** What was asked and not answered, the oldest first. */
  readonly waiting: PromiseWithResolvers<CheckedBlock>[];
}

/** Threads that check blocks of an export beside this one, which only puts together what they find. */
export class CheckThreads implements AsyncDisposable {
  readonly #threads: readonly Thread[];

  /** @param count at least 1 */
  constructor(count: number) {
    this.#threads = Array.from({ length: count }, startThread);
  }

  /** @param block is gone from here: the thread gets its memory */
  check(block: Uint8Array<ArrayBuffer>): Promise<CheckedBlock> {
    const [first, ...others] = this.#threads;
    if (!first) throw new RangeError('There is no thread.');
    const idlest = others.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a), first);
    const answer = Promise.withResolvers<CheckedBlock>();
    // Nobody may wait for it any more when the thread ends.
    answer.promise.catch(() => undefined);
    idlest.waiting.push(answer);
    idlest.worker.postMessage(block, [block.buffer]);
    return answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }
}

function startThread(): Thread {
  const worker = new Worker(new URL(THREAD, import.meta.url), { resourceLimits: MEMORY });
  const thread: Thread = { worker, waiting: [] };
  const fail = (error: Error) => {
    for (const { reject } of thread.waiting.splice(0)) reject(error);
  };
  worker.on('message', (checked: CheckedBlock) => thread.waiting.shift()?.resolve(checked));
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`A thread that checks entries ended with ${code}.`)));
  return thread;
}

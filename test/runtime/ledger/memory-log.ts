import type { EntryLog, LogMessage } from '../../../src/runtime/ledger/ledger.ts';

/** What may go wrong with one append. */
export type Fault = 'lost' | 'unanswered';

/**
 * A log in memory that many ledgers share, as they share a stream of the bus: it takes a message in its place alone,
 * shows it to each later, and may be told to lose a message or the word that it was taken.
 */
export class MemoryLog {
  readonly messages: Uint8Array[] = [];
  readonly faults: Fault[] = [];
  readonly #followers = new Set<(message: LogMessage) => void>();

  /** The same log, for one more ledger. */
  open(): EntryLog {
    const taking = new Set<(message: LogMessage) => void>();
    return {
      append: async (data, expected) => {
        const fault = this.faults.shift();
        if (fault === 'lost') throw new Error('It did not arrive.');
        await Promise.resolve();
        if (this.messages.length !== expected) return false;
        this.messages.push(data);
        setImmediate(() => {
          for (const take of this.#followers) take({ sequence: expected + 1, data });
        });
        if (fault === 'unanswered') throw new Error('No answer.');
        return true;
      },
      follow: async (take) => {
        taking.add(take);
        this.messages.forEach((data, i) => {
          take({ sequence: i + 1, data });
        });
        this.#followers.add(take);
      },
      last: async () => this.messages.length,
      [Symbol.asyncDispose]: async () => {
        for (const take of taking) this.#followers.delete(take);
      },
    };
  }

  export(): Buffer {
    return Buffer.concat(this.messages);
  }
}

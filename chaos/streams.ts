import { type FinalEvent, isFinal, type JobEvent } from '../src/runtime/protocol/events.ts';
import type { JobId } from '../src/runtime/protocol/ids.ts';
import { readJournal } from './journal.ts';

export interface TimedEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: JobEvent;
}

/** A job's events as one reader saw them, from the beginning: until the end, a refusal, or the reader's death. */
export interface Stream {
  readonly job: JobId;
  /** The journal that it is from. */
  readonly journal: string;
  readonly how: 'submit' | 'attach';
  readonly openedAt: number;
  readonly events: readonly TimedEvent[];
  readonly text: string;
  readonly final: FinalEvent | undefined;
  /** Where the offsets did not go on, or an event came after the last. */
  readonly breaks: readonly string[];
}

/** What the grid did not answer. */
export interface SeenError {
  readonly at: number;
  readonly job: JobId;
  readonly code: string;
  readonly message: string;
}

export interface Seen {
  readonly streams: readonly Stream[];
  readonly errors: readonly SeenError[];
  /** Jobs whose acceptance a client heard of. */
  readonly accepted: ReadonlySet<JobId>;
}

/** Reads what all clients wrote down. */
export async function readStreams(journals: readonly string[]): Promise<Seen> {
  const streams: Stream[] = [];
  const errors: SeenError[] = [];
  const accepted = new Set<JobId>();
  for (const journal of journals) {
    const open = new Map<JobId, StreamBuilder>();
    for (const entry of await readJournal(journal)) {
      const { at, job } = entry;
      switch (entry.type) {
        case 'open': {
          const builder = new StreamBuilder(job, journal, entry.how, at);
          open.set(job, builder);
          streams.push(builder);
          break;
        }
        case 'accepted':
          accepted.add(job);
          break;
        case 'event':
          accepted.add(job);
          open.get(job)?.add(at, entry.event);
          break;
        case 'error':
          errors.push({ at, job, code: entry.code, message: entry.message });
      }
    }
  }
  return { streams, errors, accepted };
}

class StreamBuilder implements Stream {
  readonly job: JobId;
  readonly journal: string;
  readonly how: 'submit' | 'attach';
  readonly openedAt: number;
  readonly events: TimedEvent[] = [];
  readonly breaks: string[] = [];
  text = '';
  final: FinalEvent | undefined;
  #tokens = 0;

  constructor(job: JobId, journal: string, how: 'submit' | 'attach', openedAt: number) {
    this.job = job;
    this.journal = journal;
    this.how = how;
    this.openedAt = openedAt;
  }

  add(at: number, event: JobEvent): void {
    this.events.push({ at, event });
    if (this.final) this.breaks.push(`${event.type} after ${this.final.type}`);
    if (event.type === 'chunk') {
      if (event.textOffset !== this.text.length || event.tokenOffset !== this.#tokens) {
        const [expected, got] = [
          `${this.#tokens}/${this.text.length}`,
          `${event.tokenOffset}/${event.textOffset}`,
        ];
        this.breaks.push(`a chunk at ${got} where ${expected} comes next (tokens/text)`);
      }
      this.text += event.text;
      this.#tokens += event.tokens.length;
    } else if (isFinal(event)) this.final = event;
  }
}

import type { JobId } from '../protocol/ids.ts';
import type { JobInput } from '../protocol/sealed.ts';

/** Most inputs kept, and the longest of them in UTF-16 code units; what is not here is read from the bus. */
const MAX_INPUTS = 4_096;
const MAX_LENGTH = 8_192;

/** What the jobs that a director has accepted lately ask, to settle them by without asking the bus. */
export class RecentInputs {
  readonly #inputs = new Map<JobId, JobInput>();

  add(job: JobId, input: JobInput): void {
    const { prompt } = input;
    if (prompt.form === 'sealed') return;
    const texts = prompt.form === 'raw' ? [prompt.text] : prompt.messages.map(({ content }) => content);
    if (texts.reduce((sum, text) => sum + text.length, 0) > MAX_LENGTH) return;
    for (const [oldest] of this.#inputs) {
      if (this.#inputs.size < MAX_INPUTS) break;
      this.#inputs.delete(oldest);
    }
    this.#inputs.set(job, input);
  }

  /** A job is settled once, so that it is not needed again. */
  take(job: JobId): JobInput | undefined {
    const input = this.#inputs.get(job);
    this.#inputs.delete(job);
    return input;
  }
}

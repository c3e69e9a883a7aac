import type { JobEvent } from '../runtime/protocol/events.ts';
import { formatDuration, StatusLine } from './terminal.ts';

/** Says on a terminal's stderr where a job stands until its first token. */
export class WaitingLine implements Disposable {
  readonly #line = new StatusLine();

  show(event: JobEvent): void {
    switch (event.type) {
      case 'waiting': {
        const { place, estimateMs, loading } = event;
        const parts = [place === 1 ? 'Waiting: next in line' : `Waiting: number ${place} in line`];
        if (estimateMs !== undefined) parts.push(`about ${formatDuration(estimateMs)}`);
        if (loading !== undefined)
          parts.push(`a worker is loading the model (${Math.floor(100 * loading)} %)`);
        this.#line.show(parts.join(', '));
        break;
      }
      case 'retrying':
        this.#line.show(`Waiting for another worker (${event.reason})`);
        break;
      default:
        this.#line.clear();
    }
  }

  [Symbol.dispose](): void {
    this.#line.clear();
  }
}

import type { HostPart, HostProgress } from '../runtime/host/host.ts';
import type { Log } from '../runtime/protocol/log.ts';
import type { ShownPart } from '../tui/part-list.tsx';
import type { PartsScreen } from '../tui/show-parts.tsx';
import { formatDuration } from './terminal.ts';

/** Tells what the parts of a host do: a live list on a terminal, elsewhere the log. */
export class PartsView implements AsyncDisposable {
  readonly #stream: NodeJS.WriteStream;
  readonly #log: Log;
  readonly #parts = new Map<HostPart, { shown: ShownPart; since: number }>();
  #screen: PartsScreen | undefined;

  constructor(stream: NodeJS.WriteStream, log: Log) {
    this.#stream = stream;
    this.#log = log;
  }

  /** Loads what draws on a terminal; until then changes are only kept. */
  async open(): Promise<void> {
    if (!this.#stream.isTTY) return;
    const { PartsScreen } = await import('../tui/show-parts.tsx');
    this.#screen = new PartsScreen(this.#stream);
    this.#draw();
  }

  show(progress: HostProgress): void {
    const before = this.#parts.get(progress.part);
    const since = before && before.shown.took === undefined ? before.since : performance.now();
    const took = formatDuration(performance.now() - since);
    const shown: ShownPart = isMoving(progress) ? progress : { ...progress, took };
    this.#parts.set(progress.part, { shown, since });
    if (this.#stream.isTTY) this.#draw();
    else if (before?.shown.state !== progress.state) this.#log.info({ ...shown }, 'part changed');
  }

  /** Leaves the list as it is on the screen; what is shown later starts a new one. */
  async settle(): Promise<void> {
    this.#parts.clear();
    await this.#screen?.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.settle();
  }

  #draw(): void {
    this.#screen?.draw([...this.#parts.values()].map(({ shown }) => shown));
  }
}

function isMoving({ state }: HostProgress): boolean {
  return state === 'starting' || state === 'stopping' || state === 'restarting';
}

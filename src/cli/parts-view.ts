import type { HostPart, HostProgress } from '../runtime/host/host.ts';
import { formatDuration, paint } from './terminal.ts';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

interface PartLine {
  readonly progress: HostProgress;
  readonly since: number;
  readonly took: number | undefined;
}

/** The parts of a host with their state and time: a live list on a terminal, a line per change elsewhere. */
export class PartsView implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  readonly #parts = new Map<HostPart, PartLine>();
  #drawn = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(progress: HostProgress): void {
    const before = this.#parts.get(progress.part);
    const moving = isMoving(progress);
    const since = before && isMoving(before.progress) ? before.since : performance.now();
    this.#parts.set(progress.part, {
      progress,
      since,
      took: moving ? undefined : performance.now() - since,
    });
    if (this.#stream.isTTY) {
      this.#draw();
      this.#timer ??= setInterval(() => this.#draw(), FRAME_MS).unref();
    } else if (before?.progress.state !== progress.state) {
      this.#stream.write(`${this.#line(progress.part)}\n`);
    }
  }

  /** Leaves the list as it is on the screen; what is shown later starts a new one. */
  settle(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#stream.isTTY && this.#drawn > 0) this.#draw();
    this.#drawn = 0;
    this.#parts.clear();
  }

  [Symbol.dispose](): void {
    this.settle();
  }

  #draw(): void {
    this.#frame += 1;
    const lines = [...this.#parts.keys()].map((part) => `\u001b[2K${this.#line(part)}\n`);
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    this.#stream.write(`${up}${lines.join('')}`);
    this.#drawn = lines.length;
  }

  #line(part: HostPart): string {
    const line = this.#parts.get(part);
    if (!line) return '';
    const { progress, took } = line;
    const { green, yellow, cyan, dim } = paint(this.#stream);
    const mark = {
      starting: cyan(this.#stream.isTTY ? (SPINNER[this.#frame % SPINNER.length] ?? '') : '…'),
      stopping: yellow('…'),
      restarting: yellow('↻'),
      ready: green('✔'),
      stopped: dim('■'),
    }[progress.state];
    const time = took === undefined ? '' : dim(` ${formatDuration(took)}`);
    const detail = progress.detail ?? '';
    const room = (this.#stream.columns ?? 200) - 32;
    const shown = detail.length > room ? `${detail.slice(0, Math.max(0, room - 1))}…` : detail;
    return `${mark} ${part.padEnd(8)} ${progress.state.padEnd(10)} ${shown}${time}`;
  }
}

function isMoving({ state }: HostProgress): boolean {
  return state === 'starting' || state === 'stopping' || state === 'restarting';
}

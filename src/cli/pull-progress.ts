import process from 'node:process';
import type { PullProgress } from '../runtime/models/pull.ts';
import { formatBytes, formatDuration, StatusLine } from './terminal.ts';

/** How often the bar is drawn at most, in milliseconds. */
const FRAME_MS = 100;
/** Over how long the rate is taken, in milliseconds. */
const WINDOW_MS = 10_000;
/** Where there is no terminal, a line at each such share. */
const STEP = 0.1;
const BAR_WIDTH = 24;

/** The rate of something that grows, over the last ten seconds, and the time that is left at that rate. */
export class RateMeter {
  readonly #samples: { readonly at: number; readonly amount: number }[] = [];

  /** @param at in ms, never going back @param amount so far */
  add(at: number, amount: number): void {
    this.#samples.push({ at, amount });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  /** Per second; undefined until there is a rate. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at <= first.at || last.amount <= first.amount) return undefined;
    return (1_000 * (last.amount - first.amount)) / (last.at - first.at);
  }

  /** In ms, until the amount is reached; undefined without a rate. */
  msUntil(total: number): number | undefined {
    const rate = this.perSecond;
    const last = this.#samples.at(-1);
    return rate === undefined || !last ? undefined : (1_000 * Math.max(0, total - last.amount)) / rate;
  }
}

/** Tells on stderr how far a download is: a bar on a terminal, else a line at the start and every tenth of the way. */
export class PullView implements Disposable {
  readonly #line = new StatusLine();
  readonly #meter = new RateMeter();
  readonly #name: string;
  #latest: PullProgress | undefined;
  #frame: NodeJS.Timeout | undefined;
  #nextShare: number | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  readonly report = (progress: PullProgress): void => {
    const now = performance.now();
    const { receivedBytes, totalBytes } = progress;
    this.#meter.add(now, receivedBytes);
    const share = totalBytes === 0 ? 1 : receivedBytes / totalBytes;
    if (process.stderr.isTTY) {
      this.#latest = progress;
      // One frame for all that comes while it waits, so that the last state is always shown.
      this.#frame ??= setTimeout(this.#draw, FRAME_MS);
      return;
    }
    if (this.#nextShare === undefined) {
      const from = receivedBytes === 0 ? '' : `, going on after ${formatBytes(receivedBytes)}`;
      process.stderr.write(`Downloading ${this.#name} (${formatBytes(totalBytes)}${from})\n`);
      this.#nextShare = nextStep(share);
    } else if (share >= this.#nextShare && share < 1) {
      process.stderr.write(`${plainLine(progress, this.#meter)}\n`);
      this.#nextShare = nextStep(share);
    }
  };

  /** Tells on a terminal what is waited for. */
  wait(text: string): void {
    this.#line.show(text);
  }

  /** Says that nothing comes for a while because the hub wants to be asked again later. */
  readonly retry = (waitMs: number): void => {
    const text = `The hub did not answer well; asking again in ${formatDuration(waitMs)}.`;
    if (process.stderr.isTTY) this.#line.show(text);
    else if (waitMs >= 1_000) process.stderr.write(`${text}\n`);
  };

  readonly #draw = (): void => {
    this.#frame = undefined;
    if (this.#latest) this.#line.show(barLine(this.#latest, this.#meter));
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#frame);
    this.#frame = undefined;
    this.#line.clear();
  }
}

/** `[########----------------]  33 %  1.2 GB of 4.1 GB  85.2 MB/s  34.0 s left` */
export function barLine({ part, parts, receivedBytes, totalBytes }: PullProgress, meter: RateMeter): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, receivedBytes / totalBytes);
  const done = Math.floor(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(done)}${'-'.repeat(BAR_WIDTH - done)}]`;
  const percent = `${Math.floor(100 * share)} %`.padStart(5);
  const pieces = [`${bar} ${percent}`, `${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`];
  if (parts > 1) pieces.push(`part ${part} of ${parts}`);
  return [...pieces, ...speed(meter, totalBytes)].join('  ');
}

function plainLine({ receivedBytes, totalBytes }: PullProgress, meter: RateMeter): string {
  const percent = `${Math.floor((100 * receivedBytes) / totalBytes)} %`;
  return [
    percent,
    `${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`,
    ...speed(meter, totalBytes),
  ].join(', ');
}

function speed(meter: RateMeter, total: number): string[] {
  const { perSecond } = meter;
  const left = meter.msUntil(total);
  if (perSecond === undefined || left === undefined) return [];
  return [`${formatBytes(Math.round(perSecond))}/s`, `${formatDuration(left)} left`];
}

function nextStep(share: number): number {
  return (Math.floor(share / STEP + 1e-9) + 1) * STEP;
}

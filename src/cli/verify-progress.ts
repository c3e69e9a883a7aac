import process from 'node:process';
import type { VerifyProgress } from '../runtime/ledger/verify.ts';
import { RateMeter } from './pull-progress.ts';
import { formatDuration, StatusLine } from './terminal.ts';

/** How often the line is drawn at most, in milliseconds; what takes no longer is not worth a line. */
const FRAME_MS = 100;

/** Tells on a terminal's stderr how far a ledger is verified. */
export class VerifyView implements Disposable {
  readonly #line = new StatusLine();
  readonly #entries = new RateMeter();
  readonly #bytes = new RateMeter();
  readonly #totalBytes: number | undefined;
  #drawnAt = performance.now();

  /** @param totalBytes of the export, where that is known */
  constructor(totalBytes?: number) {
    this.#totalBytes = totalBytes;
    this.#entries.add(this.#drawnAt, 0);
    this.#bytes.add(this.#drawnAt, 0);
  }

  readonly report = (progress: VerifyProgress): void => {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#drawnAt < FRAME_MS) return;
    this.#drawnAt = now;
    this.#entries.add(now, progress.entries);
    this.#bytes.add(now, progress.bytes);
    this.#line.show(
      verifyLine(progress, {
        totalBytes: this.#totalBytes,
        perSecond: this.#entries.perSecond,
        leftMs: this.#totalBytes === undefined ? undefined : this.#bytes.msUntil(this.#totalBytes),
      }),
    );
  };

  [Symbol.dispose](): void {
    this.#line.clear();
  }
}

interface Pace {
  readonly totalBytes: number | undefined;
  readonly perSecond: number | undefined;
  readonly leftMs: number | undefined;
}

/** Such as `Verifying: 41 %, 410,000 entries, 21,050 entries/s, 28.0 s left`. */
export function verifyLine(
  { entries, bytes }: VerifyProgress,
  { totalBytes, perSecond, leftMs }: Pace,
): string {
  const count = (n: number) => Math.round(n).toLocaleString('en-US');
  const parts = [
    ...(totalBytes ? [`${Math.floor((100 * bytes) / totalBytes)} %`] : []),
    `${count(entries)} entries`,
    ...(perSecond === undefined ? [] : [`${count(perSecond)} entries/s`]),
    ...(leftMs === undefined ? [] : [`${formatDuration(leftMs)} left`]),
  ];
  return `Verifying: ${parts.join(', ')}`;
}

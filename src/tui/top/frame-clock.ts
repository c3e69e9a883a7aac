/** Between two frames that only the grid asked for, in milliseconds: four a second. */
const DATA_MS = 250;
/** Frames in any second are at most the burst and what is earned in it: ten. */
const BURST = 2;
const EARNED_PER_SECOND = 8;

/** Says when to draw: at once after a key, calmly while the grid changes, and never for nothing. */
export class FrameClock implements Disposable {
  readonly #draw: () => void;
  readonly #now: () => number;
  #credit = BURST;
  #creditAt: number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** @param now in milliseconds, never going back */
  constructor(draw: () => void, now: () => number = () => performance.now()) {
    this.#draw = draw;
    this.#now = now;
    this.#creditAt = now();
  }

  /** @param cause what there is to draw: what a person did, or what the grid did */
  request(cause: 'person' | 'grid'): void {
    const now = this.#now();
    this.#earn(now);
    const earned = this.#credit >= 1 ? now : now + ((1 - this.#credit) * 1_000) / EARNED_PER_SECOND;
    const due = cause === 'person' ? earned : Math.max(earned, this.#drawnAt + DATA_MS);
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (due <= now) {
      this.#fire();
    } else {
      this.#due = due;
      this.#timer = setTimeout(() => this.#fire(), due - now);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #fire(): void {
    const now = this.#now();
    this.#earn(now);
    this.#credit -= 1;
    this.#drawnAt = now;
    this.#due = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    this.#draw();
  }

  #earn(now: number): void {
    this.#credit = Math.min(BURST, this.#credit + ((now - this.#creditAt) * EARNED_PER_SECOND) / 1_000);
    this.#creditAt = now;
  }
}

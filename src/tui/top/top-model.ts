import type { GridSnapshot } from '../../runtime/monitor/grid-snapshot.ts';
import { freeze } from '../../runtime/monitor/grid-state.ts';
import { CHROME, drawFrame, type Shown, type Size, tableOf } from './frame.ts';
import { press } from './press.ts';
import type { Theme } from './theme.ts';
import { type Effect, type Key, START, type UiState, type View } from './ui-state.ts';

export interface TopModelOptions {
  readonly grid: string;
  readonly view?: View | undefined;
  readonly theme: Theme;
  /** Told of another view that is chosen. */
  readonly onView?: (view: View) => void;
  readonly now?: () => number;
}

/** What is on the screen: the grid's picture, what a person has chosen of it, and the frame of both. */
export class TopModel {
  readonly #options: TopModelOptions;
  readonly #now: () => number;
  #ui: UiState;
  #live: GridSnapshot | undefined;
  #frozen: GridSnapshot | undefined;
  #problem: Shown['problem'];
  #notice: string | undefined;

  constructor(options: TopModelOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#ui = { ...START, view: options.view ?? START.view };
  }

  /** @param snapshot a live view, which is asked anew for each frame */
  watch(snapshot: GridSnapshot): void {
    this.#live = snapshot;
    this.#problem = undefined;
    // All that there is for it to see.
    if (snapshot.scope === 'account' && this.#options.view === undefined) this.#show('earnings');
  }

  #show(view: View): void {
    this.#ui = { ...this.#ui, view };
    this.#options.onView?.(view);
  }

  /** The grid cannot be reached. */
  fail(problem: NonNullable<Shown['problem']>): void {
    this.#problem = problem;
  }

  /** Said until the next key. */
  notify(notice: string): void {
    this.#notice = notice;
  }

  /** @returns what the key asks of others */
  press(key: Key, size: Size): Effect | undefined {
    this.#notice = undefined;
    const table = tableOf(this.#snapshot, this.#ui);
    const { state, effect } = press(this.#ui, key, { table, page: Math.max(1, size.rows - CHROME - 1) });
    if (state.paused !== this.#ui.paused)
      this.#frozen = state.paused && this.#live ? freeze(this.#live) : undefined;
    const before = this.#ui.view;
    this.#ui = state;
    if (state.view !== before) this.#options.onView?.(state.view);
    return effect;
  }

  get view(): View {
    return this.#ui.view;
  }

  frame(size: Size): string[] {
    const snapshot = this.#snapshot;
    return drawFrame(
      {
        grid: this.#options.grid,
        snapshot,
        problem: this.#problem,
        ui: this.#ui,
        notice: this.#notice,
        now: this.#frozen?.at ?? this.#now(),
      },
      size,
      this.#options.theme,
    );
  }

  get #snapshot(): GridSnapshot | undefined {
    return this.#frozen ?? this.#live;
  }
}

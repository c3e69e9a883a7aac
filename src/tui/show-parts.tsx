import { type Instance, render } from 'ink';
import { PartList, type ShownPart } from './part-list.tsx';

/** Draws the parts on a terminal, over the frame before. */
export class PartsScreen {
  readonly #stream: NodeJS.WriteStream;
  #screen: Instance | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  draw(parts: readonly ShownPart[]): void {
    const list = <PartList parts={parts} />;
    if (this.#screen) this.#screen.rerender(list);
    // Signals and stdin are the command's own business.
    else this.#screen = render(list, { stdout: this.#stream, exitOnCtrlC: false, patchConsole: false });
  }

  /** Leaves the last frame as it is; what is drawn later starts below it. */
  async leave(): Promise<void> {
    const screen = this.#screen;
    this.#screen = undefined;
    screen?.unmount();
    await screen?.waitUntilExit();
  }
}

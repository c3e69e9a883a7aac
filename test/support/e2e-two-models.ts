import { Sandbox } from './aipg.ts';
import { startTestBus } from './bus-server.ts';
import { writeEndlessModel } from './e2e-endless-model.ts';

/** A home, and a bus with what serves on it. */
export interface TwoModels extends AsyncDisposable {
  readonly home: Sandbox;
  readonly url: string;
  /** Flags by which a command finds it. */
  readonly grid: readonly string[];
}

/** Names of its workers. */
export interface TwoModelsOptions {
  readonly tiny?: string;
  readonly endless?: string;
}

/** A director and two workers of the built binary: the bundled model with four slots, the endless one with one. */
export async function startTwoModels({ tiny, endless }: TwoModelsOptions = {}): Promise<TwoModels> {
  await using owned = new AsyncDisposableStack();
  const home = owned.use(await Sandbox.create());
  const { url } = owned.use(await startTestBus());
  const named = (name: string | undefined) => (name === undefined ? [] : ['--name', name]);
  owned.use(await home.startDirector(url));
  owned.use(await home.startWorker(url, named(tiny)));
  const model = await writeEndlessModel(home.home);
  owned.use(await home.startWorker(url, ['-m', model, '--slots', '1', ...named(endless)]));
  const all = owned.move();
  return { home, url, grid: ['--grid', url], [Symbol.asyncDispose]: () => all.disposeAsync() };
}

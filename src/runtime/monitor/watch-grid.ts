import { connectBus } from '../bus/connect.ts';
import type { GridSnapshot } from './grid-snapshot.ts';
import { Monitor } from './monitor.ts';

/** A grid that is watched over a connection of its own. */
export interface WatchedGrid extends AsyncDisposable {
  /** A live view: it changes with the grid. */
  readonly snapshot: GridSnapshot;
}

/** @throws AipgError `grid-unreachable`, `bus-server-too-old` */
export async function watchGrid(url: string, onChange?: () => void): Promise<WatchedGrid> {
  await using opened = new AsyncDisposableStack();
  const connection = await connectBus({ url, name: 'aipg top' });
  opened.defer(() => connection.close());
  const { snapshot } = opened.use(await Monitor.open({ connection, ...(onChange && { onChange }) }));
  const parts = opened.move();
  return { snapshot, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

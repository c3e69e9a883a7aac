import { type ConnectOptions, connectBus } from '../bus/connect.ts';
import { drainWorker } from '../bus/drain-worker.ts';
import type { Account, WorkerId } from '../protocol/ids.ts';
import type { GridSnapshot } from './grid-snapshot.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';

/** A grid that is watched over a connection of its own. */
export interface WatchedGrid extends AsyncDisposable {
  /** A live view: it changes with the grid. */
  readonly snapshot: GridSnapshot;
  /** Whether somebody looks at the earnings: only then they are asked for. */
  showEarnings(isShown: boolean): void;
  /**
   * Has a worker end its jobs and leave.
   * @returns whether it was there to be told
   * @throws AipgError `not-permitted` on a grid with keys where this is not an operator's
   */
  drain(worker: WorkerId): Promise<boolean>;
}

/**
 * On a grid with keys the events of all accounts are an operator's or a director's to read; others see the earnings of
 * their own account alone.
 * @throws AipgError `grid-unreachable`, `bus-server-too-old`
 */
export async function watchGrid(
  grid: Pick<ConnectOptions, 'url' | 'credentials' | 'ca' | 'hosts'> & { readonly account: Account },
  { onChange, earnings = false }: Pick<MonitorOptions, 'onChange' | 'earnings'> = {},
): Promise<WatchedGrid> {
  await using opened = new AsyncDisposableStack();
  const connection = await connectBus({ ...grid, name: 'aipg top' });
  opened.defer(() => connection.close());
  const { account } = grid;
  const monitor = opened.use(
    await Monitor.open({ connection, account, earnings, ...(onChange && { onChange }) }),
  );
  const parts = opened.move();
  const drain = (worker: WorkerId) => drainWorker(connection, worker);
  const { snapshot } = monitor;
  const showEarnings = (isShown: boolean) => monitor.showEarnings(isShown);
  return { snapshot, showEarnings, drain, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

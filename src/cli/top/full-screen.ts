import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { BusChoice } from '../../runtime/config/select-grid.ts';
import type { WatchedGrid } from '../../runtime/monitor/watch-grid.ts';
import { type AipgError, toAipgError } from '../../runtime/protocol/errors.ts';
import type { Depth } from '../../tui/top/theme.ts';
import type { TopScreen } from '../../tui/top/top-screen.tsx';
import type { View } from '../../tui/top/ui-state.ts';
import { Interrupted, PipeClosed, type StopSignal } from '../stop-signal.ts';

/** Between two tries to reach a grid, in milliseconds. */
const RETRY_MS = 1_000;

export interface FullScreenOptions {
  /** Which grid to watch. @throws AipgError where there is none yet */
  readonly choose: () => BusChoice;
  readonly view: View | undefined;
  readonly depth: Depth;
  readonly ascii: boolean;
  readonly mouse: boolean;
  readonly stop: StopSignal;
}

/** The live grid on the whole terminal, until a person has seen enough. */
export async function showFullScreen({
  choose,
  view,
  mouse,
  stop,
  ...look
}: FullScreenOptions): Promise<void> {
  // React's own checks are for those who work on it: they double the cost of a frame.
  process.env['NODE_ENV'] ??= 'production';
  // What a message leaves behind is garbage at once: V8 would let it grow to tens of megabytes before it looks.
  setFlagsFromString('--max-semi-space-size=2');
  setFlagsFromString('--semi-space-growth-factor=1');
  const [{ createTheme }, { TopModel }, { TopScreen }, { watchGrid }] = await Promise.all([
    import('../../tui/top/theme.ts'),
    import('../../tui/top/top-model.ts'),
    import('../../tui/top/top-screen.tsx'),
    import('../../runtime/monitor/watch-grid.ts'),
  ]);
  const ended = Promise.withResolvers<void>();
  const closing = new AbortController();
  const onStop = () => ended.reject(stop.signal.reason);
  stop.signal.addEventListener('abort', onStop, { once: true });
  // The terminal has gone: nobody is there to watch, or to be told.
  const onGone = () => ended.reject(new PipeClosed());
  process.once('SIGHUP', onGone);
  process.stdin.once('end', onGone).once('error', onGone);
  let chosen: BusChoice | undefined;
  let watched: WatchedGrid | undefined;
  const onView = (shown: View) => watched?.showEarnings(shown === 'earnings');
  const model = new TopModel({ grid: nameOf(choose), view, theme: createTheme(look), onView });
  try {
    await using screen: TopScreen = new TopScreen({
      model,
      mouse,
      stdin: process.stdin,
      stdout: process.stdout,
      onEffect: (effect) => {
        if (effect.type === 'drain') void drain(watched, effect.worker).then(tell, tell);
        else if (effect.type === 'cancel') void cancel(chosen, watched, effect.job).then(tell, tell);
        else if (effect.interrupted) ended.reject(new Interrupted('SIGINT'));
        else ended.resolve();
      },
    });
    const tell = (said: unknown) => {
      model.notify(typeof said === 'string' ? said : toAipgError(said).message);
      screen.update('person');
    };
    void (async () => {
      while (!closing.signal.aborted && !watched) {
        try {
          chosen = choose();
          const opened = await watchGrid(chosen, {
            onChange: () => screen.update(),
            earnings: model.view === 'earnings',
          });
          if (closing.signal.aborted) return await opened[Symbol.asyncDispose]();
          watched = opened;
          // Another may have been chosen meanwhile.
          onView(model.view);
          model.watch(opened.snapshot);
        } catch (thrown) {
          const error = toAipgError(thrown);
          if (!isPassing(error)) return ended.reject(error);
          model.fail({ message: error.message, hint: 'Start a grid on this machine with `aipg up`.' });
          await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
        }
        screen.update('person');
      }
    })();
    await Promise.race([ended.promise, screen.failed]);
  } finally {
    closing.abort();
    stop.signal.removeEventListener('abort', onStop);
    process.off('SIGHUP', onGone);
    process.stdin.off('end', onGone).off('error', onGone);
    await watched?.[Symbol.asyncDispose]();
  }
}

/** A grid that is not there may come; what is wrong in another way stays so. */
function isPassing({ code }: AipgError): boolean {
  return code === 'grid-unreachable';
}

function nameOf(choose: () => BusChoice): string {
  try {
    return choose().name;
  } catch (error) {
    if (isPassing(toAipgError(error))) return 'no grid';
    throw error;
  }
}

async function drain(watched: WatchedGrid | undefined, id: string): Promise<string> {
  const row = [...(watched?.snapshot.workers.values() ?? [])].find((worker) => worker.id === id);
  if (!watched || !row || !(await watched.drain(row.id))) return `${id} is not there any more.`;
  return `${id} takes no new job, and leaves when its own have ended.`;
}

async function cancel(
  choice: BusChoice | undefined,
  watched: WatchedGrid | undefined,
  id: string,
): Promise<string> {
  const row = [...(watched?.snapshot.jobs.values() ?? [])].find((job) => job.id === id);
  if (!choice || !row) return `${id} is not there any more.`;
  const [{ openGrid }, { resolvePaths }] = await Promise.all([
    import('../../runtime/grids/open.ts'),
    import('../../runtime/config/paths.ts'),
  ]);
  await using grid = await openGrid({
    choice: { ...choice, account: row.account },
    paths: resolvePaths(),
    env: process.env,
  });
  const job = grid.job(row.id);
  await job.cancel('cancelled by hand');
  const { status } = await job.view();
  return status === 'cancelled' ? `Cancelled ${id}.` : `${id} had ended already: ${status}.`;
}

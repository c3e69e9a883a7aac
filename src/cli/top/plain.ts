import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { BusChoice } from '../../runtime/config/select-grid.ts';
import type { GridSnapshot } from '../../runtime/monitor/grid-snapshot.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';
import type { Depth } from '../../tui/top/theme.ts';
import type { View } from '../../tui/top/ui-state.ts';

/** How long a grid is watched before one picture of it is given, in milliseconds: a rate needs some time. */
const WATCH_MS = 2_000;
/** Of a frame where nobody says how large it may be. */
const COLUMNS = 120;
const ROWS = 40;

export interface PlainOptions {
  readonly choice: BusChoice;
  readonly signal: AbortSignal;
}

/** One frame as text. */
export async function printFrame({
  choice,
  signal,
  view,
  ...look
}: PlainOptions & {
  readonly view: View | undefined;
  readonly depth: Depth;
  readonly ascii: boolean;
}): Promise<void> {
  const [{ watchGrid }, { createTheme }, { TopModel }] = await Promise.all([
    import('../../runtime/monitor/watch-grid.ts'),
    import('../../tui/top/theme.ts'),
    import('../../tui/top/top-model.ts'),
  ]);
  await using grid = await watchGrid(choice, { earnings: view === 'earnings' });
  if (view !== 'earnings') requireGrid(grid.snapshot);
  await delay(WATCH_MS, undefined, { signal });
  const model = new TopModel({ grid: choice.name, view, theme: createTheme(look) });
  model.watch(grid.snapshot);
  const { env, stdout } = process;
  const columns = Number(env['COLUMNS']) || stdout.columns || COLUMNS;
  const rows = Number(env['LINES']) || stdout.rows || ROWS;
  // Without the keys, which nobody can press.
  const lines = model.frame({ columns, rows }).slice(0, -1);
  while (lines.at(-1)?.trim() === '') lines.pop();
  stdout.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`);
}

/** One snapshot as JSON, or, to `watch`, one a line for each change, at most four a second. */
export async function printJson({
  choice,
  signal,
  watch,
}: PlainOptions & { readonly watch: boolean }): Promise<void> {
  const [{ watchGrid }, { snapshotJson }, { FrameClock }] = await Promise.all([
    import('../../runtime/monitor/watch-grid.ts'),
    import('../../runtime/monitor/json.ts'),
    import('../../tui/top/frame-clock.ts'),
  ]);
  let print = (): void => undefined;
  using clock = new FrameClock(() => print());
  await using grid = await watchGrid(choice, { earnings: true, onChange: () => clock.request('grid') });
  if (grid.snapshot.earnings.state === 'refused') requireGrid(grid.snapshot);
  const write = () =>
    process.stdout.write(`${JSON.stringify({ grid: choice.name, ...snapshotJson(grid.snapshot) })}\n`);
  if (!watch) {
    await delay(WATCH_MS, undefined, { signal });
    write();
    return;
  }
  let isFull = false;
  print = () => {
    // Who reads slowly gets fewer pictures, not older ones.
    if (isFull) return;
    isFull = !write();
    if (isFull) process.stdout.once('drain', () => (isFull = false));
  };
  print();
  if (!signal.aborted) await once(signal, 'abort');
  signal.throwIfAborted();
}

/** @throws AipgError `not-permitted` for a key that sees its own account alone */
function requireGrid({ scope, earnings }: GridSnapshot): void {
  if (scope === 'grid') return;
  throw new AipgError('not-permitted', 'The whole grid is for its operator to see.', {
    hint:
      earnings.state === 'refused'
        ? 'See who is on it with `aipg status`.'
        : 'See what your account has and earns with `aipg top --view earnings`.',
  });
}

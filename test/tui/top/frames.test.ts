import process from 'node:process';
import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EarningsView, GridSnapshot } from '../../../src/runtime/monitor/grid-snapshot.ts';
import { GridState } from '../../../src/runtime/monitor/grid-state.ts';
import type { Size } from '../../../src/tui/top/frame.ts';
import { createTheme } from '../../../src/tui/top/theme.ts';
import { TopModel } from '../../../src/tui/top/top-model.ts';
import type { Key } from '../../../src/tui/top/ui-state.ts';
import { beat } from '../../support/grid-events.ts';
import { paidGrid, pricedGrid, unpaidGrid } from '../../support/paid-grid.ts';
import { START, shownGrid } from '../../support/shown-grid.ts';

const SIZES: readonly Size[] = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 60 },
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: the styles of our own text
const SGR = /\u001b\[(\d+)m/g;
const zone = process.env['TZ'];
beforeAll(() => {
  process.env['TZ'] = 'UTC';
});
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

interface Scene {
  readonly snapshot?: GridSnapshot;
  readonly keys?: readonly (string | Key)[];
  readonly depth?: 'none' | 'mono' | 'color';
  readonly ascii?: boolean;
}

function draw({ snapshot, keys = [], depth = 'none', ascii = false }: Scene, size: Size): string {
  const theme = createTheme({ depth, ascii });
  const model = new TopModel({ grid: 'home', theme, now: () => snapshot?.at ?? START });
  if (snapshot) model.watch(snapshot);
  for (const key of keys) model.press(typeof key === 'string' ? { text: key } : key, size);
  return model.frame(size).join('\n');
}

const lost = (state = shownGrid()) => {
  const { at } = state;
  state.apply({ type: 'disconnected' }, at + 1_000);
  state.apply({ type: 'second' }, at + 13_000);
  return state;
};
const REFUSED: EarningsView = {
  state: 'refused',
  reason: 'This grid knows you by the key of a monitor, which has no credits and earns none.',
};
const withEarnings = (earnings: EarningsView) => {
  const state = shownGrid();
  state.apply({ type: 'earnings', earnings }, state.at);
  return state;
};
const withoutDirector = () => {
  const state = shownGrid();
  state.apply({ type: 'directors', count: 0 }, state.at);
  return state;
};
const accountOnly = () => {
  const state = new GridState(START, 'account');
  state.apply({ type: 'connected', busVersion: '2.12.1' }, START);
  state.apply({ type: 'earnings', earnings: paidGrid().earnings }, START + 90_000);
  return state;
};
const empty = () => {
  const state = new GridState(START);
  state.apply({ type: 'connected', busVersion: '2.12.1' }, START);
  return state;
};
const crowded = () => {
  const state = empty();
  for (let n = 0; n < 5_000; n++) state.apply(beat(`worker-${String(n).padStart(4, '0')}`), START);
  return state;
};

const SCENES: Record<string, () => Scene> = {
  overview: () => ({ snapshot: shownGrid() }),
  jobs: () => ({ snapshot: shownGrid(), keys: ['2', 'j', 'j'] }),
  workers: () => ({ snapshot: shownGrid(), keys: ['3'] }),
  models: () => ({ snapshot: shownGrid(), keys: ['4'] }),
  events: () => ({ snapshot: shownGrid(), keys: ['6'] }),
  'job-details': () => ({ snapshot: shownGrid(), keys: ['2', 'j', { name: 'enter' }] }),
  'worker-details': () => ({ snapshot: shownGrid(), keys: ['3', { name: 'enter' }] }),
  'model-details': () => ({ snapshot: shownGrid(), keys: ['4', { name: 'enter' }] }),
  'workers-paid': () => ({ snapshot: pricedGrid(), keys: ['3'] }),
  'models-priced': () => ({ snapshot: pricedGrid(), keys: ['4'] }),
  'model-details-priced': () => ({ snapshot: pricedGrid(), keys: ['4', { name: 'enter' }] }),
  earnings: () => ({ snapshot: paidGrid(), keys: ['5'] }),
  'earnings-ascii': () => ({ snapshot: paidGrid(), keys: ['5'], ascii: true }),
  'earnings-lost': () => ({ snapshot: lost(paidGrid()), keys: ['5'] }),
  'earnings-none': () => ({ snapshot: unpaidGrid(), keys: ['5'] }),
  'earnings-asked': () => ({ snapshot: shownGrid(), keys: ['5'] }),
  'earnings-unanswered': () => ({ snapshot: withoutDirector(), keys: ['5'] }),
  'account-only': () => ({ snapshot: accountOnly(), keys: ['2'] }),
  'account-only-earnings': () => ({ snapshot: accountOnly() }),
  'earnings-free': () => ({ snapshot: withEarnings({ state: 'free' }), keys: ['5'] }),
  'earnings-refused': () => ({ snapshot: withEarnings(REFUSED), keys: ['5'] }),
  help: () => ({ snapshot: shownGrid(), keys: ['?'] }),
  filter: () => ({ snapshot: shownGrid(), keys: ['2', '/', 'f', 'a', 'i', 'l'] }),
  confirm: () => ({ snapshot: shownGrid(), keys: ['2', 'c'] }),
  paused: () => ({ snapshot: shownGrid(), keys: ['p'] }),
  ascii: () => ({ snapshot: shownGrid(), ascii: true }),
  connecting: () => ({}),
  lost: () => ({ snapshot: lost(), keys: ['3'] }),
  empty: () => ({ snapshot: empty() }),
  crowded: () => ({ snapshot: crowded(), keys: ['3', { name: 'end' }] }),
};

describe.each(SIZES)('at $columns × $rows', (size) => {
  test.each(Object.keys(SCENES))('%s', async (name) => {
    const frame = draw(SCENES[name]?.() ?? {}, size);
    const lines = frame.split('\n');
    expect(lines).toHaveLength(size.rows);
    expect(lines.filter((line) => stringWidth(line) > size.columns)).toEqual([]);
    const plain = lines.map((line) => line.trimEnd()).join('\n');
    await expect(`${plain}\n`).toMatchFileSnapshot(`frames/${name}-${size.columns}x${size.rows}.txt`);
  });
});

test('with colours the text is the same, and only colours of the palette are used', () => {
  const size = { columns: 120, rows: 40 };
  const plain = draw({ snapshot: shownGrid(), keys: ['3'] }, size);
  const codes = new Set<string>();
  const colored = createTheme({ depth: 'color', ascii: false });
  const model = new TopModel({ grid: 'home', theme: colored, now: () => shownGrid().at });
  model.watch(shownGrid());
  model.press({ text: '3' }, size);
  const stripped = model.frame(size).map((line) =>
    line.replace(SGR, (_, code: string) => {
      codes.add(code);
      return '';
    }),
  );
  const withoutTabs = (text: string) => text.split('\n').filter((_, row) => row !== 1);
  expect(withoutTabs(stripped.map((line) => line.trimEnd()).join('\n'))).toEqual(
    withoutTabs(
      plain
        .split('\n')
        .map((line) => line.trimEnd())
        .join('\n'),
    ),
  );
  for (const code of codes) expect(['1', '2', '7', '22', '27', '31', '32', '33', '36', '39']).toContain(code);
});

test('in ASCII our own signs are ASCII', () => {
  const state = new GridState(START);
  state.apply({ type: 'connected', busVersion: '2.12.1' }, START);
  for (let n = 0; n < 9; n++) state.apply(beat(`worker-${n}`.repeat(9).slice(0, 60)), START);
  for (const key of ['1', '2', '3', '4', '5', '6', '?']) {
    expect(draw({ snapshot: state, keys: [key], ascii: true }, { columns: 80, rows: 24 })).toMatch(
      /^[ -~\n]*$/,
    );
  }
});

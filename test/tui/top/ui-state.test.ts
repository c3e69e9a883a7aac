import { describe, expect, test } from 'vitest';
import { GridState } from '../../../src/runtime/monitor/grid-state.ts';
import { readMouse } from '../../../src/tui/top/mouse.ts';
import { createTheme } from '../../../src/tui/top/theme.ts';
import { TopModel } from '../../../src/tui/top/top-model.ts';
import type { Effect, Key } from '../../../src/tui/top/ui-state.ts';
import { beat, jobId, told } from '../../support/grid-events.ts';

const T = 1_000_000;
const SIZE = { columns: 180, rows: 24 };

/** Jobs 1 to 5, the newest first, and a model on which keys are pressed. */
function opened() {
  const state = new GridState(T);
  state.apply({ type: 'connected', busVersion: '2.12.0' }, T);
  state.apply(beat('w'), T);
  for (let n = 1; n <= 5; n++) state.apply(told.accepted(n), T + n);
  const model = new TopModel({ grid: 'g', theme: createTheme({ depth: 'none', ascii: true }), now: () => T });
  model.watch(state);
  const press = (...keys: (string | NonNullable<Key['name']>)[]) =>
    keys.map((key) => model.press(key.length === 1 ? { text: key } : { name: key as never }, SIZE)).at(-1);
  const screen = () => model.frame(SIZE).join('\n');
  const selected = () => /^> (\w+)/m.exec(screen())?.[1];
  const mouse = (input: string) => readMouse(input).map((key) => model.press(key, SIZE));
  return { state, press, mouse, screen, selected };
}

describe('a selection', () => {
  test('follows its row when the order changes', () => {
    const { state, press, selected } = opened();
    press('2', 'down');
    expect(selected()).toBe(jobId(4));
    state.apply(told.accepted(6), T + 6);
    state.apply(told.leased(1, 'w'), T + 7);
    expect(selected()).toBe(jobId(4));
    press('r');
    expect(selected()).toBe(jobId(4));
  });

  test('stays at its place when its row has gone, and inside the table', () => {
    const { press, selected } = opened();
    press('2', 'end');
    expect(selected()).toBe(jobId(1));
    press('down', 'pagedown');
    expect(selected()).toBe(jobId(1));
    press('home', 'up');
    expect(selected()).toBe(jobId(5));
  });
});

test('a filter narrows the table as it is typed; Enter keeps it, Esc goes back to the one before', () => {
  const { state, press, screen } = opened();
  state.apply(told.cancelled(3), T + 9);
  press('2', '/', ...'cancel');
  expect(screen()).toContain('1 of 5');
  press('enter', '/', 'x');
  expect(screen()).toContain('Nothing matches the filter.');
  press('escape');
  expect(screen()).toContain('1 of 5');
  press('escape');
  expect(screen()).not.toContain(' of 5');
});

test('a job is cancelled only after a yes', () => {
  const { press, screen } = opened();
  expect(press('2', 'c')).toBeUndefined();
  expect(screen()).toContain(`Cancel job ${jobId(5)}?`);
  expect(press('n')).toBeUndefined();
  expect(press('c', 'y')).toEqual({ type: 'cancel', job: jobId(5) } satisfies Effect);
  expect(press('3', 'c')).toBeUndefined();
  expect(screen()).not.toContain('Cancel job');
});

test('a worker is drained only after a yes', () => {
  const { press, screen } = opened();
  expect(press('2', 'd')).toBeUndefined();
  expect(press('3', 'd')).toBeUndefined();
  expect(screen()).toContain('Drain w?');
  expect(press('n')).toBeUndefined();
  expect(press('enter', 'd', 'y')).toEqual({ type: 'drain', worker: 'w' } satisfies Effect);
  expect(screen()).toContain('works on');
});

describe('the mouse', () => {
  test('opens the view whose tab is clicked, wherever on it', () => {
    const { mouse, screen } = opened();
    mouse('\u001b[<0;13;2M\u001b[<0;13;2m');
    expect(screen()).toContain('[2 jobs]');
    mouse('\u001b[<0;12;2M');
    expect(screen()).toContain('[1 overview]');
    mouse('\u001b[<0;47;2M');
    expect(screen()).toContain('[5 earnings]');
    mouse('\u001b[<0;57;2M');
    expect(screen()).toContain('[6 events]');
    mouse('\u001b[<0;170;2M');
    expect(screen()).toContain('[6 events]');
  });

  test('selects the row that is clicked, and opens it when it is clicked again', () => {
    const { press, mouse, screen, selected } = opened();
    press('2');
    mouse('\u001b[<0;5;6M');
    expect(selected()).toBe(jobId(3));
    mouse('\u001b[<0;5;20M\u001b[<0;5;1M\u001b[<0;5;3M\u001b[<2;5;4M');
    expect(selected()).toBe(jobId(3));
    mouse('\u001b[<0;5;6M');
    expect(screen()).toContain('WHAT HAPPENED');
  });

  test('scrolls with its wheel, and answers no question', () => {
    const { press, mouse, screen, selected } = opened();
    press('2');
    mouse('\u001b[<65;5;6M');
    expect(selected()).toBe(jobId(2));
    mouse('\u001b[<64;5;6M');
    expect(selected()).toBe(jobId(5));
    press('c');
    expect(mouse('\u001b[<0;5;6M')).toEqual([undefined]);
    expect(screen()).not.toContain('Cancel job');
  });

  test('is passed over where what the terminal sends is something else', () => {
    expect(readMouse('q\u001b[A\u001b[<0;1M\u001b[<35;3;4M')).toEqual([]);
  });
});

test('a paused display stands still, says so, and goes on', () => {
  const { state, press, screen } = opened();
  press('2', 'p');
  const before = screen();
  expect(before).toContain('PAUSED');
  state.apply(told.accepted(6), T + 60_000);
  expect(screen()).toBe(before);
  press('p');
  expect(screen()).toContain(jobId(6));
});

test('keys are those that the help tells of', () => {
  const { press, screen } = opened();
  expect(press('q')).toEqual({ type: 'quit', interrupted: false });
  expect(press('interrupt')).toEqual({ type: 'quit', interrupted: true });
  expect(press('suspend')).toEqual({ type: 'suspend' });
  expect(press('2', 'y')).toEqual({ type: 'copy', text: jobId(5) });
  press('backtab', 'backtab');
  expect(screen()).toContain('[6 events]');
  press('tab');
  expect(screen()).toContain('[1 overview]');
  press('2', 'enter');
  expect(screen()).toContain('WHAT HAPPENED');
  press('escape');
  expect(screen()).toContain('JOB ');
});

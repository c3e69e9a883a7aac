import { NO_WORK } from '../../src/runtime/ledger/account-book.ts';
import type { EarningsView, ReceiptRow } from '../../src/runtime/monitor/grid-snapshot.ts';
import type { GridState } from '../../src/runtime/monitor/grid-state.ts';
import type { MicroCredits } from '../../src/runtime/protocol/credits.ts';
import type { WorkerId } from '../../src/runtime/protocol/ids.ts';
import { type ModelName, type Sha256, sha256Schema } from '../../src/runtime/protocol/model.ts';
import { jobId, LOCAL } from './grid-events.ts';
import { FOX, QWEN, shownGrid } from './shown-grid.ts';

const [QWEN_FILE, FOX_FILE, OTHER_FILE] = ['ab', 'cd', 'ef'].map((byte) =>
  sha256Schema.parse(byte.repeat(32)),
) as [Sha256, Sha256, Sha256];

/** {@link shownGrid}, where work is paid for. */
export function pricedGrid(): GridState {
  const state = shownGrid();
  state.apply(
    {
      type: 'prices',
      prices: {
        prices: [
          {
            price: 2,
            model: QWEN_FILE,
            name: QWEN as ModelName,
            rates: { input: 100_000, output: 580_000 },
            basis: 'header',
          },
          {
            price: 3,
            model: FOX_FILE,
            name: FOX as ModelName,
            rates: { input: 41, output: 720 },
            basis: 'set',
          },
        ],
        otherwise: { input: 100_000, output: 1_743_000_000 },
      },
    },
    state.at,
  );
  const paid = [
    { worker: 'alpha', amount: 41 },
    { worker: 'beta', amount: 12_345_678 },
    { worker: 'gamma', amount: 12_345_000_000 },
  ] as { worker: WorkerId; amount: MicroCredits }[];
  state.apply({ type: 'settled', paid, receipts: [] }, state.at);
  return state;
}

/** {@link pricedGrid}, with what the account that looks has earned in a week. */
export function paidGrid(): GridState {
  const state = pricedGrid();
  state.apply({ type: 'earnings', earnings: earnings(state.at) }, state.at);
  state.apply({ type: 'settled', paid: [], receipts: [receipt(90, state.at - 1_000)] }, state.at);
  return state;
}

/** {@link pricedGrid}, for an account that has earned nothing. */
export function unpaidGrid(): GridState {
  const state = pricedGrid();
  const all = earnings(state.at);
  if (all.state !== 'known') return state;
  const nothing = { available: 0, reserved: 0, today: 0, sevenDays: 0, perHour: 0 } as Record<
    'available' | 'reserved' | 'today' | 'sevenDays' | 'perHour',
    MicroCredits
  >;
  const days = all.days.map((day) => ({ ...day, ...NO_WORK }));
  const earned = { ...all, ...nothing, total: NO_WORK, days, models: [], receipts: [], unsettled: 0 };
  state.apply({ type: 'earnings', earnings: earned }, state.at);
  return state;
}

export function receipt(n: number, at: number, more: Partial<ReceiptRow> = {}): ReceiptRow {
  return {
    n,
    at,
    job: jobId(n),
    worker: (n % 2 === 0 ? 'alpha' : 'beta') as WorkerId,
    model: [QWEN_FILE, FOX_FILE, OTHER_FILE][n % 3] as Sha256,
    outputTokens: 7 * n,
    earned: (1_234 * n) as MicroCredits,
    isOwn: false,
    ...more,
  };
}

function earnings(asOf: number): EarningsView {
  const work = (jobs: number, outputTokens: number, earned: number) => ({
    jobs,
    inputTokens: 10 * jobs,
    outputTokens,
    earned: earned as MicroCredits,
  });
  const week = [0, 12_000_000, 3_500_000, 1, 0, 20_250_000, 7_654_321];
  return {
    state: 'known',
    account: LOCAL,
    asOf,
    available: 1_234_567_890 as MicroCredits,
    reserved: 1_500 as MicroCredits,
    today: 7_654_321 as MicroCredits,
    sevenDays: 43_404_322 as MicroCredits,
    perHour: 812_345 as MicroCredits,
    total: work(123_456, 7_654_321, 98_765_432_100),
    models: [
      { model: QWEN_FILE, name: QWEN as ModelName, ...work(12_345, 1_234_567, 43_000_000) },
      { model: FOX_FILE, name: FOX as ModelName, ...work(99, 4_567, 404_321) },
      { model: OTHER_FILE, name: null, ...work(1, 12, 1) },
    ],
    days: week.map((earned, index) => ({
      day: new Date(asOf - (week.length - 1 - index) * 86_400_000).toISOString().slice(0, 10),
      ...work(index, 10 * index, earned),
    })),
    unsettled: 3,
    receipts: Array.from({ length: 60 }, (_, n) =>
      receipt(
        n + 1,
        asOf - 5_000 * (61 - n) ** 2,
        n % 7 === 0 ? { isOwn: true, earned: 0 as MicroCredits } : {},
      ),
    ),
  };
}

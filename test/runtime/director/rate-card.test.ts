import { expect, test } from 'vitest';
import type { Roster, RosterChange } from '../../../src/runtime/bus/roster.ts';
import { type MeasureModel, RateCardKeeper } from '../../../src/runtime/director/rate-card.ts';
import { DEFAULT_POLICY } from '../../../src/runtime/ledger/drafts.ts';
import type { Entry, EntryDraft } from '../../../src/runtime/ledger/entry.ts';
import { sealEntries } from '../../../src/runtime/ledger/seal.ts';
import { LedgerState, type LedgerView } from '../../../src/runtime/ledger/state.ts';
import { silentLog } from '../../../src/runtime/protocol/log.ts';
import { modelNameSchema, type Sha256, sha256Schema } from '../../../src/runtime/protocol/model.ts';

const NAME = modelNameSchema.parse('org/model:Q4_K_M');
const [OLD, NEW, ABSENT] = ['aa', 'bb', 'cc'].map((pair) => sha256Schema.parse(pair.repeat(32))) as [
  Sha256,
  Sha256,
  Sha256,
];

/** A keeper on a machine that has two files of one name, and the models that are served meanwhile. */
function keeper() {
  const state = LedgerState.empty();
  sealEntries(state, [{ kind: 'policy', policy: DEFAULT_POLICY }], 1);
  let served: Sha256[] = [];
  let now = 0;
  const asked: Sha256[] = [];
  const measure: MeasureModel = async (sha256) => {
    asked.push(sha256);
    return sha256 === ABSENT ? undefined : { name: NAME, rates: { input: 1, output: 2 } };
  };
  const append = async (build: (view: LedgerView) => readonly EntryDraft[] | undefined) => {
    const drafts = build(state);
    return drafts && (sealEntries(state, [...drafts], 2) as Entry[]);
  };
  const workers = () => [{ models: served.map((sha256) => ({ name: 'as a worker calls it', sha256 })) }];
  const rateCard = new RateCardKeeper({
    roster: { workers } as unknown as Roster,
    ledger: { state, append },
    measure,
    log: silentLog,
    now: () => now,
  });
  return {
    asked,
    /** Workers serve these files, and say so. @returns the names and files that have a price then */
    async serve(...models: Sha256[]) {
      served = models;
      for (const heartbeat of workers()) rateCard.observe({ type: 'heartbeat', heartbeat } as RosterChange);
      await rateCard.idle();
      return [...state.cards()].map(([sha256, { name }]) => [name, sha256]);
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('a file that is served gets a price, once, under the name that it has here', async () => {
  const { serve, asked } = keeper();
  expect(await serve(OLD)).toEqual([[NAME, OLD]]);
  expect(await serve(OLD)).toEqual([[NAME, OLD]]);
  expect(asked).toEqual([OLD]);
});

test('another file of that name gets one only when the first is served no more', async () => {
  const { serve, pass } = keeper();
  await serve(OLD);
  expect(await serve(OLD, NEW)).toEqual([[NAME, OLD]]);
  pass(60_000);
  expect(await serve(NEW)).toEqual([
    [NAME, OLD],
    [NAME, NEW],
  ]);
});

test('a file that is not here is looked for again after a minute, not at each heartbeat', async () => {
  const { serve, asked, pass } = keeper();
  await serve(ABSENT);
  expect(await serve(ABSENT)).toEqual([]);
  expect(asked).toHaveLength(1);
  pass(60_000);
  await serve(ABSENT);
  expect(asked).toHaveLength(2);
});

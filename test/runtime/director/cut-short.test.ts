import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CutShortJob, endingOfCutShort } from '../../../src/runtime/director/cut-short.ts';
import { endingDraft } from '../../../src/runtime/director/settlement.ts';
import { countByIds, mostInputTokens } from '../../../src/runtime/director/token-counter.ts';
import { DEFAULT_POLICY, reserveDrafts } from '../../../src/runtime/ledger/drafts.ts';
import { sealEntries } from '../../../src/runtime/ledger/seal.ts';
import { LedgerState } from '../../../src/runtime/ledger/state.ts';
import { costOf } from '../../../src/runtime/protocol/credits.ts';
import type { ChunkEvent } from '../../../src/runtime/protocol/events.ts';
import { accountSchema, newJobId, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { jobSchema } from '../../../src/runtime/protocol/job.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { newUserSeed, receiptSigner } from '../../../src/runtime/protocol/receipt-signature.ts';
import { deriveSeed } from '../../../src/runtime/protocol/text.ts';
import { partOf } from '../../../src/runtime/worker/part.ts';

const alice = accountSchema.parse('alice');
const bob = accountSchema.parse('bob');
const FILE = sha256Schema.parse('ab'.repeat(32));
const MAX_TOKENS = 40;
const LIMIT_MS = 60_000;

const job = jobSchema.parse({
  ...{ id: newJobId(), protocol: PROTOCOL_VERSION, account: alice, model: 'm', acceptedAt: 10 },
  input: {
    prompt: { form: 'raw', text: 'Once upon a time' },
    maxTokens: MAX_TOKENS,
    seed: deriveSeed('7'),
  },
  limits: { timeoutMs: LIMIT_MS },
});

function workerOf(payTo = bob) {
  const signer = receiptSigner(newUserSeed());
  return { id: workerIdOf('box', signer.key), payTo, signer };
}
const box = workerOf();

/** A ledger in which alice has reserved for the job. */
function reserved() {
  const state = LedgerState.empty();
  sealEntries(state, [{ kind: 'policy', policy: DEFAULT_POLICY }], 1);
  const most = { inputTokens: mostInputTokens(job.input), outputTokens: MAX_TOKENS };
  const terms = { job: job.id, account: alice, tier: 'standard', model: undefined, most } as const;
  sealEntries(state, reserveDrafts(state, terms), 2);
  const reservation = state.reservation(job.id);
  if (!reservation) throw new Error('Nothing is reserved.');
  return { state, reservation };
}

/** So many tokens of an answer. */
const answer = (count: number) => ({
  text: 'ab '.repeat(count),
  tokens: Array.from({ length: count }, (_, at) => at),
});

function chunk(from: number, to: number): ChunkEvent {
  const { text, tokens } = answer(to);
  return {
    ...{ type: 'chunk', attempt: 1, tokenOffset: from, textOffset: 3 * from },
    ...{ text: text.slice(3 * from), tokens: tokens.slice(from) },
  };
}

function part(signed: number, { by = box, promptTokens = 5 } = {}) {
  const output = { sent: answer(signed), promptTokens };
  return partOf({ job, attempt: 1, identity: by, modelSha256: FILE, output, startedAt: 1 });
}

function cutShort(signed: number, chunks: readonly ChunkEvent[], by = box): CutShortJob {
  return {
    result: { status: 'cancelled', reason: 'enough', part: part(signed, { by }) },
    endedAt: 100,
    shown: { chunks, sealed: [], firstWorker: by.id },
    job,
    input: job.input,
  };
}

const endingOf = (ended: CutShortJob) => endingOfCutShort(reserved().reservation, ended, countByIds, 200);
const timedOut = { code: 'timeout', message: 'late' } as const;

describe('a job that was cut short', () => {
  test('costs no more than was delivered and signed as well, and never loses a credit', async () => {
    const pieces = fc.array(fc.tuple(fc.nat(MAX_TOKENS), fc.nat(MAX_TOKENS)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: MAX_TOKENS }),
        pieces,
        fc.nat(1_000_000),
        fc.constantFrom(alice, bob),
        async (signed, cuts, promptTokens, payTo) => {
          const by = workerOf(payTo);
          const chunks = cuts.map(([a, b]) => chunk(Math.min(a, b), Math.max(a, b)));
          const { state, reservation } = reserved();
          const ended = cutShort(signed, chunks, by);
          const said = { ...ended.result, part: part(signed, { by, promptTokens }) };
          const ending = await endingOfCutShort(reservation, { ...ended, result: said }, countByIds, 200);
          const draft = endingDraft(state, reservation, ending);
          sealEntries(state, draft ? [draft] : [], 3);
          expect(endingDraft(state, reservation, ending)).toBeUndefined();
          const sum = [...state.balances()].reduce((all, [, b]) => all + b.available + b.reserved, 0);
          expect(sum).toBe(0);
          expect(state.balance(alice).reserved).toBe(0);
          if (draft?.kind !== 'settle') return;
          const shown = Math.max(0, ...chunks.map(({ tokenOffset, tokens }) => tokenOffset + tokens.length));
          const most = { inputTokens: mostInputTokens(job.input), outputTokens: Math.min(shown, signed) };
          expect(draft.counts.outputTokens).toBeLessThanOrEqual(most.outputTokens);
          expect(draft.pay + draft.share).toBeLessThanOrEqual(
            payTo === alice ? 0 : costOf(most, reservation.rates, reservation.multiplier),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test('is refunded where nothing was delivered, nothing said, or only what another has said', async () => {
    expect(await endingOf(cutShort(5, []))).toEqual({ refunded: 'cancelled' });
    expect(await endingOf(cutShort(0, [chunk(0, 5)]))).toEqual({ refunded: 'cancelled' });
    const silent = { ...cutShort(5, [chunk(0, 5)]), result: { status: 'cancelled', reason: 'x' } } as const;
    expect(await endingOf(silent)).toEqual({ refunded: 'cancelled' });
    const ended = cutShort(5, [chunk(0, 5)]);
    const why = 'the receipt is of another worker';
    const others = { ...ended.shown, firstWorker: workerOf().id };
    expect(await endingOf({ ...ended, shown: others })).toEqual({ refunded: 'unsettled', why });
    const claim = { status: 'claimed', attempt: 2, worker: workerOf().id } as const;
    expect(await endingOf({ ...ended, result: { ...ended.result, claim } })).toMatchObject({ why });
    // Who has claimed it is paid, whoever leased it first.
    const own = { ...ended.result, claim: { ...claim, worker: box.id } };
    expect(await endingOf({ ...ended, shown: others, result: own })).toHaveProperty('paid');
  });

  test('by its time limit has to have reached it', async () => {
    const ended = cutShort(5, [chunk(0, 5)]);
    const result = { status: 'failed', error: timedOut, part: part(5) } as const;
    const at = (endedAt: number, of: CutShortJob['job'] = job) =>
      endingOf({ ...ended, result, endedAt, job: of });
    expect(await at(10 + LIMIT_MS)).toHaveProperty('paid');
    // The worker's clock may be ahead.
    expect(await at(10 + LIMIT_MS - 1_000)).toHaveProperty('paid');
    const early = { refunded: 'unsettled', why: 'its time limit had not struck' };
    expect(await at(10 + LIMIT_MS - 3_000)).toEqual(early);
    expect(await at(10 + LIMIT_MS, { ...job, limits: {} })).toEqual(early);
    expect(await endingOf({ ...ended, result, endedAt: 10 + LIMIT_MS, job: undefined })).toEqual(early);
  });
});

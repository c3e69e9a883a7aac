import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endingDraft, endingOf } from '../../../src/runtime/director/settlement.ts';
import { countByIds, mostInputTokens } from '../../../src/runtime/director/token-counter.ts';
import { DEFAULT_POLICY, reserveDrafts } from '../../../src/runtime/ledger/drafts.ts';
import type { DraftOf } from '../../../src/runtime/ledger/entry.ts';
import { sealEntries } from '../../../src/runtime/ledger/seal.ts';
import { LedgerState } from '../../../src/runtime/ledger/state.ts';
import { accountSchema, newJobId, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { jobSchema } from '../../../src/runtime/protocol/job.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { modelNameSchema, sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { newUserSeed, receiptSigner } from '../../../src/runtime/protocol/receipt-signature.ts';
import type { Result } from '../../../src/runtime/protocol/result.ts';
import { deriveSeed, textInputSchema } from '../../../src/runtime/protocol/text.ts';
import { receiptFor } from '../../../src/runtime/worker/receipt.ts';

const alice = accountSchema.parse('alice');
const bob = accountSchema.parse('bob');
const mallory = accountSchema.parse('mallory');
const file = sha256Schema.parse('ab'.repeat(32));
const otherFile = sha256Schema.parse('cd'.repeat(32));
const id = newJobId();

const job = jobSchema.parse({
  id,
  protocol: PROTOCOL_VERSION,
  account: alice,
  model: 'm',
  acceptedAt: 0,
  input: { prompt: { form: 'raw', text: 'Once upon a time' }, maxTokens: 100, seed: deriveSeed('7') },
});

/** A ledger in which alice has reserved for the job, priced for one file. */
function reserved() {
  const state = LedgerState.empty();
  sealEntries(state, [{ kind: 'policy', policy: DEFAULT_POLICY }], 1);
  const rates = { input: 1_000_000, output: 2_000_000 };
  sealEntries(
    state,
    [{ kind: 'price', model: file, name: modelNameSchema.parse('m'), rates, basis: 'set' }],
    2,
  );
  const most = { inputTokens: mostInputTokens(job.input), outputTokens: job.input.maxTokens };
  sealEntries(
    state,
    reserveDrafts(state, { job: id, account: alice, tier: 'standard', model: file, most }),
    3,
  );
  const reservation = state.reservation(id);
  if (!reservation) throw new Error('Nothing is reserved.');
  return { state, reservation };
}

function worker(payTo = bob) {
  const signer = receiptSigner(newUserSeed());
  return { id: workerIdOf('box', signer.key), payTo, signer };
}

function done({ by = worker(), text = 'a story', tokens = [1, 2], model = file, promptTokens = 5 } = {}) {
  const outcome = {
    model: job.model,
    modelSha256: model,
    finishReason: 'stop',
    promptTokens,
    outputTokens: tokens.length,
    textLength: text.length,
    sampler: 'gumbel-1',
    worker: by.id,
    timings: { firstTokenMs: 1, totalMs: 2 },
  } as const;
  const receipt = receiptFor(job, 1, by, { text, tokens, outcome, startedAt: 1, endedAt: 2 });
  return { status: 'done', text, tokens, outcome, receipt } as const satisfies Result;
}

const draftFor = async (result: Result, input: typeof job.input | undefined = job.input) => {
  const { state, reservation } = reserved();
  const draft = endingDraft(state, reservation, await endingOf(reservation, result, input, countByIds));
  if (!draft) throw new Error('The reservation had ended.');
  // The ledger itself takes it.
  sealEntries(state, [draft], 4);
  expect(state.balance(alice).reserved).toBe(0);
  return { draft, state };
};
const why = async (result: Result) => {
  const { reservation } = reserved();
  const ending = await endingOf(reservation, result, job.input, countByIds);
  return 'refunded' in ending ? ending.why : undefined;
};

describe('a job that is done', () => {
  test("pays its worker's owner for what was counted, and frees the rest", async () => {
    const { draft, state } = await draftFor(done());
    // 5 tokens at 1 and 2 at 2 micro-credits; the operator's 5 % are rounded down to nothing.
    expect(draft).toMatchObject({
      kind: 'settle',
      payTo: bob,
      pay: 9,
      share: 0,
      isOwn: false,
      counted: 'ids',
    });
    expect(state.balance(bob).available).toBe(9);
    expect(state.balance(alice).available).toBe(DEFAULT_POLICY.allowance - 9);
  });

  test('costs nothing when asker and worker have the same owner', async () => {
    const { draft, state } = await draftFor(done({ by: worker(alice) }));
    expect(draft).toMatchObject({ kind: 'settle', isOwn: true, pay: 0, share: 0 });
    expect(state.balance(alice).available).toBe(DEFAULT_POLICY.allowance);
  });

  test('is paid for up to what was reserved, whatever its worker says of the prompt', async () => {
    const { draft } = await draftFor(done({ promptTokens: 1_000_000_000 }));
    const { counts } = draft as DraftOf<'settle'>;
    expect(counts.inputTokens).toBe(mostInputTokens(job.input));
  });

  test('of which nobody knows any more what was asked is paid for its output alone', async () => {
    const { reservation } = reserved();
    expect(await endingOf(reservation, done(), undefined, countByIds)).toMatchObject({
      paid: { counts: { inputTokens: 0, outputTokens: 2 } },
    });
  });
});

describe('a job is refunded', () => {
  test('when it has failed', async () => {
    const error = { code: 'job-failed', message: 'no' } as const;
    const { draft, state } = await draftFor({ status: 'failed', error });
    expect(draft).toMatchObject({ kind: 'refund', reason: 'failed' });
    expect(state.balance(alice).available).toBe(DEFAULT_POLICY.allowance);
  });

  test('when there is no receipt, or one of something else', async () => {
    const { receipt: _, ...bare } = done();
    expect(await why(bare)).toMatch('no receipt');
    const result = done();
    const of = (change: object): Result => ({ ...result, receipt: { ...result.receipt, ...change } });
    expect(await why(of({ job: newJobId() }))).toMatch('another job');
    expect(await why(of({ worker: 'box-other' }))).toMatch('another worker');
    expect(await why(of({ key: worker().signer.key }))).toMatch("not its worker's");
    expect(await why(of({ inputSha256: otherFile }))).toMatch('another input');
    expect(await why(of({ payTo: mallory }))).toMatch('not signed');
    expect(await why(of({ attempt: 7 }))).toMatch('not signed');
    expect(await why(of({ counts: { inputTokens: 9, outputTokens: 9 } }))).toMatch('not signed');
    expect(await why({ ...result, text: 'a longer story' })).toMatch('another output');
    expect(await why({ ...result, tokens: [1, 2, 3, 4] })).toMatch('another output');
  });

  test('when the worker used another file than was priced', async () => {
    expect(await why(done({ model: otherFile }))).toMatch('another file');
  });

  test('when the output is none that the model can have given', async () => {
    const { reservation } = reserved();
    const mismatch = async () => ({ mismatch: 'token 9 is not in the vocabulary' });
    expect(await endingOf(reservation, done(), job.input, mismatch)).toEqual({
      refunded: 'unsettled',
      why: 'token 9 is not in the vocabulary',
    });
  });
});

test('a reservation ends once', async () => {
  const { state, reservation } = reserved();
  const ending = await endingOf(reservation, done(), job.input, countByIds);
  const draft = endingDraft(state, reservation, ending);
  sealEntries(state, draft ? [draft] : [], 4);
  expect(endingDraft(state, reservation, ending)).toBeUndefined();
});

test('ids without text are not counted: padding earns nothing', () => {
  return fc.assert(
    fc.asyncProperty(fc.string(), fc.array(fc.nat(), { maxLength: 500 }), async (text, tokens) => {
      const finished = {
        input: textInputSchema.parse(job.input),
        modelSha256: file,
        text,
        tokens,
        inputTokens: 0,
      };
      const count = await countByIds(finished);
      if ('mismatch' in count) throw new Error(count.mismatch);
      const { outputTokens } = count.counts;
      expect(outputTokens).toBeLessThanOrEqual(Math.min(Buffer.byteLength(text) + 1, tokens.length, 100));
    }),
  );
});

test('no input is more tokens than what is reserved for', () => {
  const input = textInputSchema.parse({
    prompt: { form: 'chat', messages: [{ role: 'user', content: 'ü'.repeat(10) }] },
    seed: deriveSeed('7'),
  });
  expect(mostInputTokens(input)).toBeGreaterThan(20);
  expect(mostInputTokens(input)).toBeLessThan(LIMITS.maxTokens);
});

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { DEFAULT_POLICY, reserveDrafts, settleDraft } from '../../src/runtime/ledger/drafts.ts';
import type { Entry, EntryDraft } from '../../src/runtime/ledger/entry.ts';
import { sealEntries, writeEntry } from '../../src/runtime/ledger/seal.ts';
import { LedgerState } from '../../src/runtime/ledger/state.ts';
import { microCredits } from '../../src/runtime/protocol/credits.ts';
import { accountSchema, newJobId, workerIdOf } from '../../src/runtime/protocol/ids.ts';
import { sha256Schema } from '../../src/runtime/protocol/model.ts';
import { newUserSeed, receiptSigner } from '../../src/runtime/protocol/receipt-signature.ts';

const ACCOUNTS = 100;
/** Between two jobs, in milliseconds: the ledger covers a few days. */
const STEP_MS = 500;
/** Jobs that are reserved for together, and settled together, as directors do when there is much to do. */
const BATCH = 50;

/** A ledger as a grid writes it: each job reserves and is settled, by a worker with a key of its own. */
export async function writeLedgerFile(file: string, count: number): Promise<void> {
  const state = LedgerState.empty();
  const model = sha256Schema.parse('ab'.repeat(32));
  const hash = sha256Schema.parse('cd'.repeat(32));
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => accountSchema.parse(`account-${i}`));
  const signers = accounts.map(() => receiptSigner(newUserSeed()));
  let at = Date.UTC(2026, 10, 1);
  await using out = createWriteStream(file);
  const add = async (drafts: readonly EntryDraft[]) => {
    const text = sealEntries(state, drafts, at)
      .map((entry: Entry) => `${writeEntry(entry)}\n`)
      .join('');
    if (!out.write(text)) await once(out, 'drain');
  };
  await add([{ kind: 'policy', policy: DEFAULT_POLICY }]);
  await add(
    accounts.map((account) => ({ kind: 'issue', id: newJobId(), account, amount: microCredits(1e12) })),
  );
  for (let i = 0; state.n < count; i += BATCH) {
    at += STEP_MS * BATCH;
    const jobs = Array.from({ length: BATCH }, (_, k) => ({ i: i + k, job: newJobId() }));
    const most = { inputTokens: 500, outputTokens: 1_024 };
    await add(
      jobs.flatMap(({ i, job }) =>
        reserveDrafts(state, { job, account: of(accounts, i), tier: 'standard', model: undefined, most }),
      ),
    );
    await add(
      jobs.map(({ i, job }) => {
        const [payTo, signer] = [of(accounts, 7 * i + 1), of(signers, 7 * i + 1)];
        const counts = { inputTokens: 120, outputTokens: 1 + (i % 1_000) };
        const receipt = signer.sign({
          job,
          attempt: 1,
          worker: workerIdOf('box', signer.key),
          payTo,
          modelSha256: model,
          inputSha256: hash,
          outputSha256: hash,
          counts,
          startedAt: at,
          endedAt: at + 100,
        });
        return settleDraft(state, { receipt, counts, counted: 'text' });
      }),
    );
  }
  out.end();
  await once(out, 'close');
}

function of<T>(all: readonly T[], i: number): T {
  const found = all[i % all.length];
  if (found === undefined) throw new Error('There is none.');
  return found;
}

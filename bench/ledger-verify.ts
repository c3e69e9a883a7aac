import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DEFAULT_POLICY, reserveDrafts, settleDraft } from '../src/runtime/ledger/drafts.ts';
import type { Entry, EntryDraft } from '../src/runtime/ledger/entry.ts';
import { sealEntries, writeEntry } from '../src/runtime/ledger/seal.ts';
import { LedgerState } from '../src/runtime/ledger/state.ts';
import { verifyExport } from '../src/runtime/ledger/verify.ts';
import { microCredits } from '../src/runtime/protocol/credits.ts';
import { accountSchema, newJobId, workerIdOf } from '../src/runtime/protocol/ids.ts';
import { sha256Schema } from '../src/runtime/protocol/model.ts';
import { newUserSeed, receiptSigner } from '../src/runtime/protocol/receipt-signature.ts';
import { number, printTable } from './support/table.ts';

const ENTRIES = 1_000_000;
const ACCOUNTS = 100;
/** Between two jobs, in milliseconds: the ledger covers a few days. */
const STEP_MS = 500;

/** The whole check of a long ledger against nothing but the SHA-256 of its bytes, from the same file in the same run. */
export async function ledgerVerify(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const file = join(dir, 'ledger.jsonl');
    const count = Number(process.env['AIPG_BENCH_ENTRIES'] ?? ENTRIES);
    await writeLedger(file, count);
    const { size } = await stat(file);
    const pages = () => createReadStream(file, { highWaterMark: 1 << 20 });

    const hashing = await timed(async () => {
      const hash = createHash('sha256');
      for await (const chunk of pages()) hash.update(chunk as Buffer);
      return hash.digest('hex');
    });
    const rules = await timed(() => verifyExport(pages(), { isGenuine: () => true }));
    const all = await timed(() => verifyExport(pages()));
    const row = (what: string, { seconds, cpu }: Time) => [
      what,
      seconds.toFixed(2),
      cpu.toFixed(2),
      number(all.value.entries / seconds),
      number(size / 1e6 / seconds),
      `× ${number(seconds / hashing.seconds)}`,
    ];
    printTable(
      `ledger-verify: ${all.value.entries} entries, ${all.value.receipts} signed receipts, ${number(size / 1e6)} MB`,
      ['what', 's', 'CPU s', 'entries/s', 'MB/s', 'of SHA-256'],
      [
        row('SHA-256 of the bytes alone', hashing),
        row('chain, rules, sums, roots', rules),
        row('and every signature', all),
      ],
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Time {
  readonly seconds: number;
  /** Of all threads: it says more than the clock on a machine that is busy with other things. */
  readonly cpu: number;
}

async function timed<T>(run: () => Promise<T>): Promise<Time & { readonly value: T }> {
  const [from, before] = [performance.now(), process.cpuUsage()];
  const value = await run();
  const { user, system } = process.cpuUsage(before);
  return { value, seconds: (performance.now() - from) / 1_000, cpu: (user + system) / 1e6 };
}

/** A ledger as a grid writes it: each job reserves and is settled, by a worker with a key of its own. */
async function writeLedger(file: string, count: number): Promise<void> {
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
  for (let i = 0; state.n < count; i++) {
    at += STEP_MS;
    const [account, payTo] = [accounts[i % ACCOUNTS], accounts[(i * 7 + 1) % ACCOUNTS]];
    const signer = signers[(i * 7 + 1) % ACCOUNTS];
    if (!account || !payTo || !signer) throw new Error('There are no accounts.');
    const job = newJobId();
    const most = { inputTokens: 500, outputTokens: 1_024 };
    await add(reserveDrafts(state, { job, account, tier: 'standard', model: undefined, most }));
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
    await add([settleDraft(state, { receipt, counts, counted: 'text' })]);
  }
  out.end();
  await once(out, 'close');
}

import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { readEntry } from '../src/runtime/ledger/seal.ts';
import { verifyExport } from '../src/runtime/ledger/verify.ts';
import { receiptBytes } from '../src/runtime/protocol/receipt.ts';
import { isSignedBy } from '../src/runtime/protocol/receipt-signature.ts';
import { writeLedgerFile } from './support/ledger-file.ts';
import { number, printTable } from './support/table.ts';

const ENTRIES = 1_000_000;
/** Of which the bare price of a hash and a signature is taken, before and after. */
const SAMPLE = 4_000;

/**
 * The whole check of a long ledger, by one thread and by as many as there are processors, against what cannot be spared:
 * one SHA-256 for each entry and one Ed25519 for each receipt, by Node's own crypto in one thread of the same run.
 */
export async function ledgerVerify(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const file = join(dir, 'ledger.jsonl');
    const count = Number(process.env['AIPG_BENCH_ENTRIES'] ?? ENTRIES);
    await writeLedgerFile(file, count);
    const { size } = await stat(file);
    const pages = () => createReadStream(file, { highWaterMark: 256 * 1024 });
    const threads = availableParallelism();

    const sample = await readSample(file);
    const before = barePrice(sample);
    const all = await timed(() => verifyExport(pages(), { threads }));
    const one = await timed(() => verifyExport(pages(), { threads: 0 }));
    const after = barePrice(sample);
    const { entries, receipts } = all.value;
    const bareOf = (price: 'seconds' | 'cpu') =>
      (entries * (before.hash[price] + after.hash[price]) +
        receipts * (before.signature[price] + after.signature[price])) /
      2;
    const bare: Time = { seconds: bareOf('seconds'), cpu: bareOf('cpu') };
    const row = (what: string, { seconds, cpu }: Time) => [
      what,
      seconds.toFixed(1),
      cpu.toFixed(1),
      number(entries / seconds),
      `× ${number(seconds / bare.seconds)}`,
      `× ${number(cpu / bare.cpu)}`,
    ];
    printTable(
      `ledger-verify: ${entries} entries, ${receipts} signed receipts, ${number(size / 1e6)} MB, ${threads} processors`,
      ['what', 's', 'CPU s', 'entries/s', 'of bare', 'CPU of bare'],
      [
        row('bare SHA-256 and Ed25519, one thread', bare),
        row('all checks, one thread', one),
        row(`all checks, ${threads} threads and this one`, all),
      ],
      [`Bare: measured over ${SAMPLE} entries before and after, for as many as there are.`],
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

async function timed<T>(run: () => T | Promise<T>): Promise<Time & { readonly value: T }> {
  const stop = timer();
  const value = await run();
  return { value, ...stop() };
}

function timer(): () => Time {
  const [from, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - from) / 1_000, cpu: (user + system) / 1e6 };
  };
}

interface Sample {
  readonly lines: readonly string[];
  readonly signed: readonly Parameters<typeof isSignedBy>[];
}

async function readSample(file: string): Promise<Sample> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: 2_000 * SAMPLE })) chunks.push(chunk as Buffer);
  const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1).slice(0, SAMPLE);
  const signed = lines.map(readEntry).flatMap((entry): Sample['signed'] => {
    if (entry.kind !== 'settle') return [];
    const { receipt } = entry;
    return [[receipt.key, receiptBytes(receipt), receipt.signature]];
  });
  return { lines, signed };
}

/** Of one hash and of one signature. */
function barePrice({ lines, signed }: Sample): { readonly hash: Time; readonly signature: Time } {
  const each = ({ seconds, cpu }: Time, count: number) => ({ seconds: seconds / count, cpu: cpu / count });
  const hashed = timer();
  for (const line of lines) hash('sha256', line);
  const hashing = each(hashed(), lines.length);
  const verified = timer();
  for (const each of signed) {
    if (!isSignedBy(...each)) throw new Error('A signature of the benchmark is wrong.');
  }
  return { hash: hashing, signature: each(verified(), signed.length) };
}

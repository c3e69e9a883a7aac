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
/** Entries of which the bare price of a hash and a signature is taken, before and after. */
const SAMPLE = 4_000;
/** Of the bytes, what one thread verifies. */
const PART = 0.1;
/** Read at once, as the command does. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The whole check of a long ledger, by one thread and by as many as there are processors, against what cannot be spared:
 * one SHA-256 for each entry and one Ed25519 for each receipt, by Node's own crypto in one thread of the same run.
 * `AIPG_BENCH_ENTRIES` is another count of entries.
 */
export async function ledgerVerify(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const file = join(dir, 'ledger.jsonl');
    const count = Number(process.env['AIPG_BENCH_ENTRIES'] ?? ENTRIES);
    await writeLedgerFile(file, count);
    const { size } = await stat(file);
    const all = () => createReadStream(file, { highWaterMark: CHUNK_BYTES });
    const threads = availableParallelism();

    const sample = await readSample(file);
    const before = barePrice(sample);
    const beside = await timed(() => verifyExport(all(), { threads }));
    const one = await timed(async () =>
      verifyExport(inChunks(await wholeLines(file, PART * size)), { threads: 0 }),
    );
    const after = barePrice(sample);
    const row = (what: string, { entries, receipts, seconds, cpu }: Time & Counts) => {
      const bare = bareTime({ entries, receipts }, before, after);
      return [
        what,
        String(entries),
        seconds.toFixed(1),
        cpu.toFixed(1),
        number(entries / seconds),
        `× ${number(bare.seconds / seconds)}`,
        `× ${number(cpu / bare.cpu)}`,
      ];
    };
    const { entries, receipts } = beside.value;
    printTable(
      `ledger-verify: ${entries} entries, ${receipts} signed receipts, ${number(size / 1e6)} MB, ${threads} processors`,
      ['what', 'entries', 's', 'CPU s', 'entries/s', 'as fast', 'CPU'],
      [
        row('SHA-256 and Ed25519 alone, one thread', {
          ...beside.value,
          ...bareTime(beside.value, before, after),
        }),
        row('all checks, one thread', { ...one.value, ...one }),
        row(`all checks, ${threads} threads and this one`, { ...beside.value, ...beside }),
      ],
      [`Alone: as measured over ${SAMPLE} entries before and after, for as many as there are.`],
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

interface Counts {
  readonly entries: number;
  readonly receipts: number;
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
  const bytes = await wholeLines(file, 2_000 * SAMPLE);
  const lines = bytes.toString().split('\n').slice(0, -1).slice(0, SAMPLE);
  const signed = lines.map(readEntry).flatMap((entry): Sample['signed'] => {
    if (entry.kind !== 'settle') return [];
    const { receipt } = entry;
    return [[receipt.key, receiptBytes(receipt), receipt.signature]];
  });
  return { lines, signed };
}

/** The lines that end within so many bytes. */
async function wholeLines(file: string, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: Math.floor(bytes) })) chunks.push(chunk as Buffer);
  const read = Buffer.concat(chunks);
  return read.subarray(0, read.lastIndexOf('\n') + 1);
}

function* inChunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Of one hash and of one signature. */
interface BarePrice {
  readonly hash: Time;
  readonly signature: Time;
}

/** What as many hashes and signatures take by themselves. */
function bareTime({ entries, receipts }: Counts, ...prices: readonly BarePrice[]): Time {
  const sum = (unit: keyof Time) =>
    prices.reduce((all, { hash, signature }) => all + entries * hash[unit] + receipts * signature[unit], 0);
  return { seconds: sum('seconds') / prices.length, cpu: sum('cpu') / prices.length };
}

function barePrice({ lines, signed }: Sample): BarePrice {
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

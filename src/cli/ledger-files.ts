import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import process from 'node:process';
import { addAbortSignal, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Entry } from '../runtime/ledger/entry.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

/** Longest proof, in bytes: an entry and some sixty hashes are a hundredth of it. */
const MAX_PROOF_BYTES = 1_000_000;

/** Read at once, in bytes: as many as are checked at once. */
const CHUNK_BYTES = 256 * 1024;

interface ExportOptions {
  readonly csv: boolean;
  /** Default: stdout. */
  readonly output: string | undefined;
}

/** Writes entries as they come, no more than the reader takes. @throws AipgError `usage` for a file that cannot be written */
export async function writeExport(
  batches: AsyncIterable<readonly Entry[]>,
  { csv, output }: ExportOptions,
): Promise<void> {
  const text = Readable.from(csv ? csvText(batches) : exportText(batches));
  if (output === undefined) return pipeline(text, process.stdout as Writable, { end: false });
  try {
    await pipeline(text, createWriteStream(output));
  } catch (error) {
    throw unlessOurs(error, `${output} cannot be written`);
  }
}

/** The lines of an export. */
export async function* exportText(batches: AsyncIterable<readonly Entry[]>): AsyncGenerator<string> {
  const { writeEntry } = await import('../runtime/ledger/seal.ts');
  for await (const entries of batches) yield entries.map((entry) => `${writeEntry(entry)}\n`).join('');
}

async function* csvText(batches: AsyncIterable<readonly Entry[]>): AsyncGenerator<string> {
  const { CSV_HEAD, csvRows } = await import('../runtime/ledger/csv.ts');
  yield CSV_HEAD;
  for await (const entries of batches) yield entries.map(csvRows).join('');
}

/** The bytes of an export; `-` is stdin. */
export function readExport(file: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (file === '-') return addAbortSignal(signal, process.stdin);
  return createReadStream(file, { highWaterMark: CHUNK_BYTES, signal });
}

/** The text of a file that is meant to be a proof; `undefined` for any other. @throws AipgError `usage` */
export async function readProof(file: string): Promise<string | undefined> {
  if (file === '-') return undefined;
  try {
    const { size } = await stat(file);
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, MAX_PROOF_BYTES)));
    const text = buffer.toString('utf8', 0, bytesRead);
    const { looksLikeProof } = await import('../runtime/ledger/proof.ts');
    return looksLikeProof(text) ? text : undefined;
  } catch (error) {
    throw unlessOurs(error, `${file} cannot be read`);
  }
}

function unlessOurs(error: unknown, what: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof AipgError || code === undefined) return error;
  return new AipgError('usage', `${what} (${code}).`, { cause: error });
}

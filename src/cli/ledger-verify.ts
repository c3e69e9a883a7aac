import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Verification } from '../runtime/ledger/verify.ts';
import { exportText, readExport } from './ledger-files.ts';
import { openCredits } from './open-credits.ts';

/** @throws AipgError `ledger-invalid`; `usage` for a file that cannot be read; the signal's reason */
export async function verifyFile(file: string, signal: AbortSignal): Promise<Verification> {
  const { size } = file === '-' ? {} : await stat(file);
  return verifyBytes(readExport(file, signal), signal, size);
}

/** The ledger of a grid, read by who may read all of it. @throws AipgError `ledger-invalid`, `not-permitted` */
export async function verifyGrid(asked: string | undefined, signal: AbortSignal): Promise<Verification> {
  await using credits = await openCredits(asked);
  // A bus that does not answer is not waited for after Ctrl-C.
  return await verifyBytes(Readable.from(bytesOf(exportText(credits.all())), { signal }), signal);
}

async function verifyBytes(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  size?: number,
): Promise<Verification> {
  const [{ verifyExport }, { VerifyView }] = await Promise.all([
    import('../runtime/ledger/verify.ts'),
    import('./verify-progress.ts'),
  ]);
  using view = new VerifyView(size);
  try {
    return await verifyExport(bytes, { signal, onProgress: view.report });
  } catch (error) {
    // A file that is not read any more has words of its own for it.
    signal.throwIfAborted();
    throw error;
  }
}

async function* bytesOf(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text);
}

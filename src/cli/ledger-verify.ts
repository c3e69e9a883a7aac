import type { Verification } from '../runtime/ledger/verify.ts';
import { readExport } from './ledger-files.ts';
import { openCredits } from './open-credits.ts';

/** @throws AipgError `ledger-invalid`; `usage` for a file that cannot be read */
export async function verifyFile(file: string): Promise<Verification> {
  const { verifyExport } = await import('../runtime/ledger/verify.ts');
  return verifyExport(readExport(file));
}

/** The ledger of a grid, read by who may read all of it. @throws AipgError `ledger-invalid`, `not-permitted` */
export async function verifyGrid(asked: string | undefined): Promise<Verification> {
  await using credits = await openCredits(asked);
  const [{ Verifier }, { writeEntry }] = await Promise.all([
    import('../runtime/ledger/verify.ts'),
    import('../runtime/ledger/seal.ts'),
  ]);
  const verifier = new Verifier();
  for await (const entries of credits.all()) {
    for (const entry of entries) verifier.take(writeEntry(entry));
    await verifier.checked();
  }
  return verifier.finish();
}

import { z } from 'zod';
import { canonicalJson } from '../protocol/canonical.ts';
import { describeIssue } from '../protocol/codec.ts';
import { formatCredits } from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';
import { sha256Schema } from '../protocol/model.ts';
import { countSchema, ordinalSchema } from '../protocol/numbers.ts';
import { isByItsWorker } from './check-block.ts';
import { dayOf } from './day.ts';
import { daySchema, type Entry, type EntryOf, entrySchema } from './entry.ts';
import { rootOfProof } from './merkle.ts';
import { readEntry } from './seal.ts';

const FORMAT = 'aipg-ledger-proof-1';

/** Shows that an entry is in the ledger to someone who knows the root of its day alone. */
export const proofSchema = z.strictObject({
  format: z.literal(FORMAT),
  entry: entrySchema,
  day: daySchema,
  /** The entry's place among those of its day, from 0. */
  index: countSchema,
  /** Entries of the day. */
  count: ordinalSchema,
  /** Hashes of RFC 9162, section 2.1.3, the lowest first. */
  path: z.array(sha256Schema).max(53),
  root: sha256Schema,
});
export type Proof = z.infer<typeof proofSchema>;

/** @param path from {@link proofFrom} over the entries of the day that `root` tells of */
export function proofOf(entry: Entry, root: EntryOf<'root'>, path: readonly string[]): Proof {
  return {
    format: FORMAT,
    entry,
    day: root.day,
    index: entry.n - root.first,
    count: root.count,
    path: path.map((hash) => sha256Schema.parse(hash)),
    root: root.root,
  };
}

/** Whether a text is meant to be a proof, and not an export. */
export function looksLikeProof(text: string): boolean {
  return /^\s*\{\s*"format"\s*:/.test(text);
}

/**
 * Checks a proof: the entry's own hash, its receipt's signature, and that it leads to the root.
 * @param trusted the root of that day, from whom the checker trusts; without it the proof's own is taken
 * @throws AipgError `ledger-invalid`
 */
export async function checkProof(text: string, trusted?: string): Promise<Proof> {
  const proof = parseProof(text);
  const { entry, day, index, count, path, root } = proof;
  readEntry(canonicalJson(entry));
  if (dayOf(entry.at) !== day) throw invalid(`entry ${entry.n} is not of ${day}`);
  if (entry.kind === 'settle' && !isByItsWorker(entry.receipt))
    throw invalid('its receipt is not signed by its worker');
  if (rootOfProof(entry.hash, index, count, path) !== root) throw invalid('it does not lead to its root');
  if (trusted !== undefined && trusted.toLowerCase() !== root) {
    throw invalid(`it leads to the root ${root}, not to the one that you trust`);
  }
  return proof;
}

function parseProof(text: string): Proof {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  const parsed = proofSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(describeIssue(parsed.error));
}

function invalid(why: string): AipgError {
  return new AipgError('ledger-invalid', `The proof does not hold: ${why}.`, {
    hint: 'Make it again with `aipg ledger prove`.',
  });
}

/** What a proof has shown, in a sentence. @param isTrusted whether the root was given by the checker */
export function describeProof({ entry, day, root }: Proof, isTrusted: boolean): string {
  const paid =
    entry.kind === 'settle'
      ? `${entry.payTo} was paid ${formatCredits(entry.pay)} credits for job ${entry.job}`
      : `entry ${entry.n} is a ${entry.kind}`;
  const trust = isTrusted
    ? 'the root that you gave'
    : 'its own root: compare it with one from whom you trust';
  return `The proof holds: ${paid}, on ${day}, by ${trust}.\nRoot: ${root}`;
}

import { hash as hashOf } from 'node:crypto';
import { canonicalJson, isSorted } from '../protocol/canonical.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Sha256 } from '../protocol/model.ts';
import { receiptHash } from '../protocol/receipt.ts';
import { type Entry, type EntryDraft, entrySchema } from './entry.ts';
import { refused } from './refusal.ts';
import type { LedgerState } from './state.ts';

/**
 * Gives a draft its place after the last entry, and takes it into the state.
 * @param now milliseconds since 1970; a clock that is behind the last entry does not count
 * @throws AipgError `ledger-refused`, `insufficient-credits`; the state is as before then
 */
export function sealEntry(state: LedgerState, draft: EntryDraft, now: number): Entry {
  if (!namesItsReceipt(draft)) throw refused('The receipt has another hash.');
  const at = Math.max(now, state.at);
  const postings = state.moves(draft, at);
  const body = { ...draft, n: state.n + 1, prev: state.hash as Sha256, at, postings: [...postings] };
  const entry: Entry = { ...body, hash: hashOf('sha256', canonicalJson(body)) as Sha256 };
  state.apply(entry);
  return entry;
}

/**
 * Seals drafts one after the other, with the root of the day before where it is due: all of them or none.
 * @throws AipgError as {@link sealEntry} does
 */
export function sealEntries(state: LedgerState, drafts: readonly EntryDraft[], now: number): Entry[] {
  const fork = state.fork();
  const root = drafts.length > 0 && drafts[0]?.kind !== 'root' ? fork.dueRoot(now) : undefined;
  const entries = [...(root ? [root] : []), ...drafts].map((draft) => sealEntry(fork, draft, now));
  state.merge(fork);
  return entries;
}

/** An entry as it is kept and exported: its canonical form, one line without the line's end. */
export function writeEntry(entry: Entry): string {
  return canonicalJson(entry);
}

/**
 * Reads what {@link writeEntry} wrote, and nothing else: no other order, form or member, and no other hash.
 * @throws AipgError `ledger-invalid`
 */
export function readEntry(line: string): Entry {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw invalid('is not JSON');
  }
  const parsed = entrySchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`has a wrong ${issue?.path.map(String).join('.') || 'form'}: ${issue?.message}`);
  }
  const entry = json as Entry;
  if (hashOfLine(line, entry) !== entry.hash) throw invalid('does not have the hash that it names');
  if (!namesItsReceipt(entry)) throw invalid('names another hash than its receipt has');
  return entry;
}

/** The hash of the line without its member `hash`; `undefined` when the line is not in canonical form. */
function hashOfLine(line: string, entry: Entry): string | undefined {
  if (!isSorted(entry) || JSON.stringify(entry) !== line) return undefined;
  // No other member of an entry, however deep, is called so, and quotes within a string are escaped.
  const member = `"hash":"${entry.hash}",`;
  const at = line.indexOf(member);
  return hashOf('sha256', line.slice(0, at) + line.slice(at + member.length));
}

/** Whether the hash that a settle gives of its receipt is that. */
function namesItsReceipt(draft: EntryDraft): boolean {
  return draft.kind !== 'settle' || draft.receiptSha256 === receiptHash(draft.receipt);
}

function invalid(what: string): AipgError {
  return new AipgError('ledger-invalid', `The entry ${what}.`);
}

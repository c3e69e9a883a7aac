import { hash as hashOf } from 'node:crypto';
import { canonicalJson, isSorted } from '../protocol/canonical.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Sha256 } from '../protocol/model.ts';
import { type Entry, type EntryDraft, entrySchema } from './entry.ts';
import type { LedgerState } from './state.ts';

/**
 * Gives a draft its place after the last entry, and takes it into the state.
 * @param now milliseconds since 1970; a clock that is behind the last entry does not count
 * @throws AipgError `ledger-refused`, `insufficient-credits`; the state is as before then
 */
export function sealEntry(state: LedgerState, draft: EntryDraft, now: number): Entry {
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
  if (hashOfLine(line, json as Entry) !== parsed.data.hash)
    throw invalid('does not have the hash that it names');
  return json as Entry;
}

/** The hash of the line without its member `hash`; `undefined` when the line is not in canonical form. */
function hashOfLine(line: string, entry: Entry): string | undefined {
  const { hash, ...body } = entry;
  const text = JSON.stringify(body);
  const member = `"hash":"${hash}",`;
  const at = line.indexOf(member);
  const isCanonical = isSorted(entry) && line.slice(0, at) + line.slice(at + member.length) === text;
  return isCanonical ? hashOf('sha256', text) : undefined;
}

function invalid(what: string): AipgError {
  return new AipgError('ledger-invalid', `The entry ${what}.`);
}

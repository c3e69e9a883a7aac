import { AipgError, toAipgError } from '../protocol/errors.ts';
import { type Entry, entrySchema } from './entry.ts';
import { readEntry } from './seal.ts';
import type { LedgerState } from './state.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
const KINDS: ReadonlySet<unknown> = new Set(entrySchema.options.map(({ shape }) => shape.kind.value));

export type ReadMessage =
  /** The fork holds what the entries have made of the state. */
  | { readonly entries: readonly Entry[]; readonly fork: LedgerState }
  /** `isNewer`: it holds a kind of entry that this release does not know, so no later one can be told either. */
  | { readonly error: AipgError; readonly isNewer: boolean };

/** Reads a message of the ledger's stream against the state before it: all of its entries or none. */
export function readMessage(state: LedgerState, data: Uint8Array): ReadMessage {
  const fork = state.fork();
  let lines: string[] = [];
  try {
    const text = decoder.decode(data);
    if (!text.endsWith('\n')) throw new AipgError('ledger-invalid', 'The message does not end with a line.');
    lines = text.slice(0, -1).split('\n');
    const entries = lines.map((line) => {
      const entry = readEntry(line);
      fork.apply(entry);
      return entry;
    });
    return { entries, fork };
  } catch (error) {
    if (lines.some(isOfNewerKind)) return { error: madeByNewer(), isNewer: true };
    return { error: toAipgError(error), isNewer: false };
  }
}

function isOfNewerKind(line: string): boolean {
  try {
    const { kind } = JSON.parse(line) as { kind?: unknown };
    return typeof kind === 'string' && !KINDS.has(kind);
  } catch {
    return false;
  }
}

function madeByNewer(): AipgError {
  return new AipgError(
    'protocol-mismatch',
    'The ledger has entries of a kind that this aipg does not know.',
    {
      hint: 'Use the same release of aipg as the other directors of the grid.',
    },
  );
}

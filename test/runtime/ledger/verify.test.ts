import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CSV_HEAD, csvRows } from '../../../src/runtime/ledger/csv.ts';
import { DayHashes } from '../../../src/runtime/ledger/day-hashes.ts';
import { DEFAULT_POLICY, settleDraft } from '../../../src/runtime/ledger/drafts.ts';
import type { EntryOf } from '../../../src/runtime/ledger/entry.ts';
import { merkleRoot, proofFrom, rootOfProof, treeLevels } from '../../../src/runtime/ledger/merkle.ts';
import { checkProof, looksLikeProof, proofOf } from '../../../src/runtime/ledger/proof.ts';
import { sealEntry, writeEntry } from '../../../src/runtime/ledger/seal.ts';
import { type VerifyOptions, type VerifyProgress, verifyExport } from '../../../src/runtime/ledger/verify.ts';
import { canonicalJson } from '../../../src/runtime/protocol/canonical.ts';
import type { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { newJobId, teamSchema } from '../../../src/runtime/protocol/ids.ts';
import { modelNameSchema } from '../../../src/runtime/protocol/model.ts';
import { type Receipt, receiptHash } from '../../../src/runtime/protocol/receipt.ts';
import {
  alice,
  bob,
  DAY_MS,
  erin,
  issue,
  MODEL,
  receiptOf,
  reserve,
  TestLedger,
  transfer,
} from './support.ts';

/** A ledger with an entry of each kind. */
function fullLedger(): TestLedger {
  const ledger = new TestLedger();
  const [done, failed] = [newJobId(), newJobId()];
  const name = modelNameSchema.parse('=HYPERLINK("http://x")');
  ledger.add({ kind: 'price', model: MODEL, name, rates: { input: 5, output: 7 }, basis: 'set' });
  ledger.add({ ...issue(alice, 50_000), memo: 'für "alice", +1' }, transfer(alice, bob, 1_000));
  ledger.add({ kind: 'allowance', account: bob, amount: DEFAULT_POLICY.allowance } as never);
  ledger.add(reserve(alice, 20_000, done), reserve(bob, 1_000, failed));
  ledger.settle(done, { inputTokens: 1_000, outputTokens: 2_000 });
  ledger.add({ kind: 'refund', job: failed, reason: 'cancelled' });
  ledger.add({ kind: 'team', account: erin, team: teamSchema.parse('red') });
  ledger.at += DAY_MS;
  ledger.add(issue(bob, 3));
  return ledger;
}

/** Of several blocks, with a settle in each. */
function longLedger(): TestLedger {
  const ledger = new TestLedger();
  ledger.add(issue(alice, 5_000_000));
  for (let i = 0; i < 12; i++) {
    const job = newJobId();
    ledger.add(reserve(alice, 20_000, job));
    ledger.settle(job, { inputTokens: 10, outputTokens: i });
  }
  return ledger;
}

/** What can be wrong with a line: its form, hash or signature, or what a rule says of it. */
const CHANGES = {
  noJson: () => 'no entry',
  noText: () => '\xff\xfe',
  tooLong: (line: string) => line.padEnd(20_000, ' '),
  otherHash: (line: string) => line.replace(/"hash":"../, '"hash":"00'),
  otherAmount: (line: string) => resealed(line.replace(/"amount":(-?)(\d)/, '"amount":$11$2')),
  otherCounts: (line: string) => resealed(line.replace(/"outputTokens":/, '"outputTokens":1')),
  forged: (line: string) =>
    resealed(line.replace(/"outputSha256":"../, '"outputSha256":"ee'), (entry) => ({
      ...entry,
      ...('receipt' in entry && { receiptSha256: receiptHash(entry['receipt'] as Receipt) }),
    })),
  otherReceipt: (line: string) => resealed(line.replace(/"outputSha256":"../, '"outputSha256":"ee')),
  twice: (line: string) => `${line}\n${line}`,
};

/** With the hash that it then has: what only its writer can do. */
function resealed(line: string, change = (entry: Record<string, unknown>) => entry): string {
  try {
    const { hash: _, ...body } = change(JSON.parse(line) as Record<string, unknown>);
    const hash = createHash('sha256').update(canonicalJson(body)).digest('hex');
    return canonicalJson({ ...body, hash });
  } catch {
    return line;
  }
}

const textOf = (ledger: TestLedger) => ledger.entries.map((entry) => `${writeEntry(entry)}\n`).join('');

describe('an export', () => {
  it('is verified from its text alone, in pieces of any size', async () => {
    const bytes = Buffer.from(textOf(fullLedger()));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) =>
      bytes.subarray(7 * i, 7 * i + 7),
    );
    expect(await verifyExport(pieces)).toMatchObject({
      entries: 12,
      receipts: 1,
      issued: 50_003 + DEFAULT_POLICY.allowance,
      openReservations: 0,
      roots: [{ day: '2026-11-21', count: 10 }],
    });
  });

  it('with any one byte changed, left out or added, is found to be wrong', async () => {
    const bytes = Buffer.from(textOf(fullLedger()));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('change', 'leave out', 'add'),
        async (place, by, how) => {
          const byte = Buffer.from([((bytes[place] ?? 0) + by) % 256]);
          const [before, after] = [
            bytes.subarray(0, place),
            bytes.subarray(how === 'add' ? place : place + 1),
          ];
          const changed = Buffer.concat(how === 'leave out' ? [before, after] : [before, byte, after]);
          if (changed.equals(bytes)) return;
          await expect(verifyExport([changed])).rejects.toMatchObject({ code: 'ledger-invalid' });
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is found to be the same, or wrong in the same way, by threads beside this one', async () => {
    const text = textOf(longLedger());
    const lines = text.trimEnd().split('\n');
    const change = fc.record({
      line: fc.nat(lines.length - 1),
      how: fc.constantFrom(...Object.values(CHANGES)),
    });
    const found = (options: VerifyOptions, bytes: Buffer) =>
      verifyExport([bytes], options).catch(({ code, message, hint }: AipgError) => ({ code, message, hint }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 3 }), fc.boolean(), async (changes, isCut) => {
        const changed = [...lines];
        for (const { line, how } of changes) changed[line] = how(changed[line] ?? '');
        const bytes = Buffer.from(changed.join('\n') + (isCut ? '' : '\n'), 'latin1');
        const expected = await found({ threads: 0, blockBytes: bytes.length }, bytes);
        expect(await found({ threads: 0, blockBytes: 2_000 }, bytes)).toEqual(expected);
        expect(await found({ threads: 2, blockBytes: 2_000 }, bytes)).toEqual(expected);
      }),
      { numRuns: 40, examples: [[[], false]] },
    );
  }, 180_000);

  it('names the first entry that is wrong, whatever is wrong after it', async () => {
    const lines = textOf(longLedger()).trimEnd().split('\n');
    const bytes = (from: number) =>
      Buffer.from(`${lines.map((line, i) => (i < from ? line : CHANGES.noJson())).join('\n')}\n`);
    for (const from of [0, 1, 7, lines.length - 1]) {
      const verified = verifyExport([bytes(from)], { threads: 2, blockBytes: 1_000 });
      await expect(verified).rejects.toThrow(`at entry ${from + 1}. The entry is not JSON.`);
    }
  });

  it('tells how far it is, and stops when it is told to', async () => {
    const bytes = Buffer.from(textOf(longLedger()));
    const seen: VerifyProgress[] = [];
    const options = { threads: 1, blockBytes: 3_000, onProgress: (at: VerifyProgress) => void seen.push(at) };
    const { entries } = await verifyExport([bytes.subarray(0, 9_000), bytes.subarray(9_000)], options);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toEqual({ entries, bytes: bytes.length });
    expect(seen).toEqual(seen.toSorted((a, b) => a.bytes - b.bytes));

    const stop = new AbortController();
    const endless = function* () {
      yield bytes;
      stop.abort(new Error('enough'));
      for (;;) yield Buffer.from('no entry\n');
    };
    await expect(verifyExport(endless(), { threads: 1, signal: stop.signal })).rejects.toThrow();
  });

  it('with a line that is longer than any entry, or not text, is found to be wrong there', async () => {
    const text = textOf(fullLedger());
    const followedBy = (line: Buffer) => Buffer.concat([Buffer.from(text), line, Buffer.from('\n')]);
    await expect(verifyExport([followedBy(Buffer.alloc(20_000, 'x'))])).rejects.toThrow(
      'at entry 13. The entry is longer than any can be.',
    );
    await expect(verifyExport([followedBy(Buffer.from([0xff, 0xfe]))])).rejects.toThrow(
      'at entry 13. The entry is not UTF-8 text.',
    );
  });

  it('whose writer gave a receipt another hash, with every other hash right, is found to be wrong', async () => {
    const ledger = longLedger();
    const lines = textOf(ledger).split('\n');
    const place = ledger.entries.findIndex(({ kind }) => kind === 'settle');
    lines[place] = CHANGES.otherReceipt(lines[place] ?? '');
    await expect(verifyExport([Buffer.from(lines.join('\n'))])).rejects.toThrow(
      `at entry ${place + 1}. The entry names another hash than its receipt has.`,
    );

    const job = newJobId();
    ledger.add(reserve(alice, 20_000, job));
    const counts = { inputTokens: 1, outputTokens: 1 };
    const draft = settleDraft(ledger.state, { receipt: receiptOf(job), counts, counted: 'text' });
    expect(() => ledger.add({ ...draft, receiptSha256: MODEL })).toThrow('The receipt has another hash.');
  });

  it('that ends in the middle of a line is said to be cut off', async () => {
    const bytes = Buffer.from(textOf(longLedger()));
    const verified = verifyExport([bytes.subarray(0, -1)], { threads: 2, blockBytes: 3_000 });
    await expect(verified).rejects.toThrow('The export is cut off: its last line does not end.');
  });

  it('with an entry left out or two in another order, is found to be wrong', async () => {
    const lines = textOf(fullLedger()).split('\n');
    for (let i = 0; i < lines.length - 2; i++) {
      await expect(verifyExport([Buffer.from(lines.toSpliced(i, 1).join('\n'))])).rejects.toThrow(
        'not right',
      );
      const swapped = lines.toSpliced(i, 2, lines[i + 1] ?? '', lines[i] ?? '');
      if (i < lines.length - 3)
        await expect(verifyExport([Buffer.from(swapped.join('\n'))])).rejects.toThrow();
    }
  });

  it('whose writer made up a receipt, with every hash right, is found to be wrong', async () => {
    const ledger = new TestLedger();
    const job = newJobId();
    ledger.add(issue(alice, 5_000), reserve(alice, 2_000, job));
    const forged = { ...receiptOf(job), outputSha256: MODEL };
    const counts = { inputTokens: 1, outputTokens: 1 };
    ledger.add(settleDraft(ledger.state, { receipt: forged, counts, counted: 'text' }));
    const bytes = Buffer.from(textOf(ledger));
    await expect(verifyExport([bytes])).rejects.toThrow('at entry 4. Its receipt was not signed by box-');
    const more = Buffer.from('no entry\n');
    await expect(verifyExport([bytes, more])).rejects.toThrow('at entry 4');
    await expect(verifyExport([Buffer.concat([bytes, more])])).rejects.toThrow('at entry 4');
  });

  it('whose writer moved more than the kind of entry does, with every hash right, is found to be wrong', () => {
    const ledger = new TestLedger();
    const entry = sealEntry(ledger.state.fork(), issue(alice, 5), ledger.at);
    const [from, to] = entry.postings;
    const more = [
      { ...from, amount: -6 },
      { ...to, amount: 6 },
    ];
    expect(() => ledger.state.apply({ ...entry, postings: more } as never)).toThrow(
      'moves what its kind does not',
    );
  });
});

describe('a Merkle tree', () => {
  it('has the roots of RFC 9162’s own construction', () => {
    const hash = (i: number) => i.toString(16).padStart(64, '0');
    // MTH(D[n]) = H(0x01 || MTH(D[0:k]) || MTH(D[k:n])), k the largest power of two below n.
    const node = (left: string, right: string) =>
      createHash('sha256')
        .update(Buffer.from(`01${left}${right}`, 'hex'))
        .digest('hex');
    const recursive = (leaves: string[]): string => {
      if (leaves.length === 1)
        return createHash('sha256')
          .update(Buffer.from(`00${leaves[0]}`, 'hex'))
          .digest('hex');
      const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
      return node(recursive(leaves.slice(0, split)), recursive(leaves.slice(split)));
    };
    for (let size = 1; size < 40; size++) {
      const leaves = Array.from({ length: size }, (_, i) => hash(i));
      expect(merkleRoot(leaves)).toBe(recursive(leaves));
      expect(treeLevels(leaves).at(-1)).toEqual([recursive(leaves)]);
    }
  });

  it('proves each of its leaves, and no other leaf, place or size', () => {
    const hashes = fc.array(fc.stringMatching(/^[0-9a-f]{64}$/), { minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(hashes, fc.nat(), (leaves, at) => {
        const index = at % leaves.length;
        const leaf = leaves[index] ?? '';
        const proof = proofFrom(treeLevels(leaves), index);
        const root = merkleRoot(leaves);
        expect(rootOfProof(leaf, index, leaves.length, proof)).toBe(root);
        expect(
          rootOfProof(`${leaf.slice(1)}${leaf[0] === '0' ? '1' : '0'}`, index, leaves.length, proof),
        ).not.toBe(root);
        expect(rootOfProof(leaf, index, leaves.length, [...proof, root])).not.toBe(root);
        if (proof.length > 0) expect(rootOfProof(leaf, index, leaves.length, proof.slice(1))).not.toBe(root);
      }),
    );
  });
});

describe('a proof', () => {
  const ledger = fullLedger();
  const settle = ledger.entries.find(({ kind }) => kind === 'settle') as EntryOf<'settle'>;
  const root = ledger.entries.find(({ kind }) => kind === 'root') as EntryOf<'root'>;
  const day = new DayHashes();
  for (const entry of ledger.entries) day.add(entry);
  const path = day.prove(settle)?.path ?? [];
  const proof = proofOf(settle, root, path);
  const text = JSON.stringify(proof, undefined, 2);

  it('shows an entry to who trusts the root of its day alone', async () => {
    expect(looksLikeProof(text)).toBe(true);
    expect(looksLikeProof(textOf(ledger))).toBe(false);
    expect((await checkProof(text, root.root)).entry).toEqual(settle);
    expect((await checkProof(text)).root).toBe(root.root);
  });

  it('does not hold for another root, entry or place', async () => {
    await expect(checkProof(text, 'ab'.repeat(32))).rejects.toThrow('not to the one that you trust');
    const wrong = [
      { ...proof, index: proof.index + 1 },
      { ...proof, path: proof.path.slice(1) },
      { ...proof, day: '2026-11-22' },
      { ...proof, root: 'ab'.repeat(32) },
      { ...proof, entry: { ...settle, pay: settle.pay + 1 } },
    ];
    for (const other of wrong) await expect(checkProof(JSON.stringify(other))).rejects.toThrow();
  });
});

describe('CSV', () => {
  it('has a row for each posting, and no cell that is a formula', () => {
    const rows = fullLedger().entries.map(csvRows).join('');
    expect(CSV_HEAD).toBe('n,time,kind,account,bucket,credits,job,worker,model,note\r\n');
    expect(rows).toContain(
      '3,2026-11-21T12:00:00.000Z,issue,\'@issued,available,-0.05,,,,"für ""alice"", +1"\r\n',
    );
    expect(rows).toContain(`"'=HYPERLINK(""http://x""): 5 in, 7 out"`);
    for (const row of rows.trimEnd().split('\r\n')) expect(row).not.toMatch(/(^|,)"?[=@+]/);
  });
});

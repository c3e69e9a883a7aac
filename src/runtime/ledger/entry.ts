import { z } from 'zod';
import {
  amountSchema,
  microCreditsSchema,
  positiveAmountSchema,
  ratesSchema,
  tokenCountsSchema,
} from '../protocol/credits.ts';
import { accountSchema, jobIdSchema, teamSchema, workerIdSchema } from '../protocol/ids.ts';
import { tierSchema } from '../protocol/job.ts';
import { modelNameSchema, sha256Schema } from '../protocol/model.ts';
import { ordinalSchema } from '../protocol/numbers.ts';
import { policySchema } from '../protocol/policy.ts';
import { type Receipt, receiptSchema } from '../protocol/receipt.ts';

/** Where credits come from when they are issued; its balance is what was issued, negative. No member can be called so. */
export const ISSUED = '@issued';
/** What the operator's share goes to. */
export const OPERATOR = '@operator';

/** An account of a member, or one of the ledger's own. */
export const holderSchema = z.union([z.enum([ISSUED, OPERATOR]), accountSchema]);
export type Holder = z.infer<typeof holderSchema>;

/** `available` can be spent; `reserved` is held for jobs that run. */
export const bucketSchema = z.enum(['available', 'reserved']);
export type Bucket = z.infer<typeof bucketSchema>;

/** One side of a movement of credits; those of an entry sum to 0. */
export const postingSchema = z.strictObject({
  account: holderSchema,
  bucket: bucketSchema,
  amount: microCreditsSchema,
});
export type Posting = z.infer<typeof postingSchema>;

/** What an issue or a transfer is for, in the words of who made it. */
export const memoSchema = z
  .string()
  .max(200)
  .refine((memo) => memo.isWellFormed() && !/\p{Cc}/u.test(memo), 'must be plain text of one line');
/** A day of UTC: `2026-11-21`. */
export const daySchema = z.iso.date();

/** How sure a director is of the counts: recounted from text and vocabulary, from token ids alone, or bounded by sizes. */
export const countedSchema = z.enum(['text', 'ids', 'sizes']);
export type Counted = z.infer<typeof countedSchema>;

export const refundReasonSchema = z.enum(['failed', 'cancelled', 'unsettled']);

/** What can happen to credits, without its place in the ledger. */
const facts = {
  /** In force from here on. */
  policy: { policy: policySchema },
  /** The rates of one model from here on. */
  price: {
    model: sha256Schema,
    name: modelNameSchema,
    rates: ratesSchema,
    /** Computed from the file's own header, or chosen by an operator. */
    basis: z.enum(['header', 'set']),
  },
  /** `id` makes a repetition known as one, as it does for a transfer. */
  issue: {
    id: jobIdSchema,
    account: accountSchema,
    amount: positiveAmountSchema,
    memo: memoSchema.optional(),
  },
  transfer: {
    id: jobIdSchema,
    from: accountSchema,
    to: accountSchema,
    amount: positiveAmountSchema,
    memo: memoSchema.optional(),
  },
  /** Once for each account. */
  allowance: { account: accountSchema, amount: positiveAmountSchema },
  /** The most that a job can cost, held until it is settled or refunded. */
  reserve: {
    job: jobIdSchema,
    account: accountSchema,
    amount: amountSchema,
    tier: tierSchema,
    /** The entry whose rates hold for it: a price, or a policy where the model has no price. */
    price: ordinalSchema,
  },
  /** The worker's owner is paid, the rest is freed. */
  settle: {
    job: jobIdSchema,
    payTo: accountSchema,
    worker: workerIdSchema,
    receipt: z.strictObject(receiptSchema.shape),
    /** By which the receipt is named: see `receiptHash`. */
    receiptSha256: sha256Schema,
    /** As a director counted. */
    counts: tokenCountsSchema,
    counted: countedSchema,
    /** Asker and worker have the same owner: nobody pays. */
    isOwn: z.boolean(),
    pay: amountSchema,
    share: amountSchema,
    freed: amountSchema,
  },
  refund: { job: jobIdSchema, reason: refundReasonSchema },
  /** The Merkle root of a day's entries. It is itself the first entry of the next day on which there is one. */
  root: { day: daySchema, first: ordinalSchema, count: ordinalSchema, root: sha256Schema },
  /** Whose usage and earnings are told together from here on; `null`: nobody's. */
  team: { account: accountSchema, team: teamSchema.nullable() },
} as const;

type Kinds = typeof facts;
export type EntryKind = keyof Kinds;
type FactsOf<K extends EntryKind> = z.infer<z.ZodObject<Kinds[K], z.core.$strict>>;

/** An entry before it has its place: what is asked of {@link sealEntry}. */
export type EntryDraft = { [K in EntryKind]: { readonly kind: K } & FactsOf<K> }[EntryKind];
export type DraftOf<K extends EntryKind> = Extract<EntryDraft, { kind: K }>;

const placed = {
  /** 1 for the first, then one more each. */
  n: ordinalSchema,
  /** The hash of the entry before; 64 zeros for the first. */
  prev: sha256Schema,
  /** Milliseconds since 1970; never less than that of the entry before. */
  at: z.int().min(0).max(253_402_300_799_999),
  postings: z.array(postingSchema).max(8),
  /** SHA-256 of the canonical form of all the other members. */
  hash: sha256Schema,
};

export const entrySchema = z.discriminatedUnion('kind', [
  entryOf('policy'),
  entryOf('price'),
  entryOf('issue'),
  entryOf('transfer'),
  entryOf('allowance'),
  entryOf('reserve'),
  entryOf('settle'),
  entryOf('refund'),
  entryOf('root'),
  entryOf('team'),
]);
export type Entry = z.infer<typeof entrySchema>;
export type EntryOf<K extends EntryKind> = Extract<Entry, { kind: K }>;

/** What the rules look at of a receipt; what it says by itself is checked where its entry is read. */
type ReceiptFacts = Pick<Receipt, 'job' | 'worker' | 'payTo' | 'modelSha256'>;
type ForRules<T> = T extends { readonly receipt: Receipt }
  ? Omit<T, 'receipt'> & { readonly receipt: ReceiptFacts }
  : T;
/** What the rules need of an entry, which was read before. */
export type StateEntry = ForRules<Entry>;
/** The same of one that has no place yet. */
export type StateDraft = ForRules<EntryDraft>;

function entryOf<K extends EntryKind>(kind: K) {
  return z.strictObject({ kind: z.literal(kind), ...facts[kind], ...placed });
}

/** The `prev` of the first entry. */
export const NO_HASH = sha256Schema.parse('0'.repeat(64));

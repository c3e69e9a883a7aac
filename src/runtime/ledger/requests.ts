import { z } from 'zod';
import { amountSchema, microCreditsSchema, positiveAmountSchema } from '../protocol/credits.ts';
import { envelopeSchema } from '../protocol/envelope.ts';
import { accountSchema, jobIdSchema, teamSchema } from '../protocol/ids.ts';
import { modelNameSchema, sha256Schema } from '../protocol/model.ts';
import { countSchema, ordinalSchema } from '../protocol/numbers.ts';
import { policySchema } from '../protocol/policy.ts';
import { daySchema, entrySchema, memoSchema } from './entry.ts';
import { proofSchema } from './proof.ts';

// What accounts and operators ask directors about credits. Amounts are whole micro-credits.

/** Most entries and roots told at once. */
export const MAX_TOLD = 200;

export const emptyRequestSchema = envelopeSchema;

export const balanceSchema = z.object({
  account: accountSchema,
  available: microCreditsSchema,
  /** Held for jobs that are not settled. */
  reserved: microCreditsSchema,
  /** What its first job will bring it; 0 once it has had that. */
  allowance: amountSchema,
  /** Must be left when a job is submitted. */
  minimumBalance: amountSchema,
  team: teamSchema.nullable(),
});
export type AccountBalance = z.infer<typeof balanceSchema>;

const workSchema = z.object({
  jobs: countSchema,
  inputTokens: countSchema,
  outputTokens: countSchema,
  earned: amountSchema,
});

export const earningsSchema = z.object({
  account: accountSchema,
  /** Since midnight UTC. */
  today: amountSchema,
  /** Today and the six days before. */
  sevenDays: amountSchema,
  /** Mean of the last 24 hours, from the first of them that brought anything. */
  perHour: amountSchema,
  /** Since the ledger began. */
  total: workSchema,
  /** Of the seven days, the best first; the name is that of the rate card. */
  models: z.array(workSchema.extend({ model: sha256Schema, name: modelNameSchema.nullable() })),
  days: z.array(workSchema.extend({ day: daySchema })),
  /** What this account's workers have done and is not settled, by their own counts. */
  pending: z.object({ jobs: countSchema, earned: amountSchema }),
  /** Results on the whole grid that wait to be settled. */
  unsettled: countSchema,
});
export type Earnings = z.infer<typeof earningsSchema>;

export const ledgerRequestSchema = envelopeSchema.extend({
  /** Only entries with smaller numbers. */
  before: ordinalSchema.optional(),
  limit: z.int().min(1).max(MAX_TOLD),
});
/** The account's own entries, the newest first. */
export const ledgerReplySchema = z.object({ entries: z.array(entrySchema).max(MAX_TOLD) });

const memo = memoSchema.optional();
/** Whoever gets credits need not be in the ledger yet. */
const mayBeNew = z.boolean().optional();

export const transferRequestSchema = envelopeSchema.extend({
  /** Chosen by the asker, so that a request that is repeated is one transfer. */
  id: jobIdSchema,
  to: accountSchema,
  amount: positiveAmountSchema,
  memo,
  mayBeNew,
});
export const issueRequestSchema = envelopeSchema.extend({
  id: jobIdSchema,
  account: accountSchema,
  amount: positiveAmountSchema,
  memo,
  mayBeNew,
});
/** What the account has after it. */
export const movedReplySchema = z.object({ account: accountSchema, available: microCreditsSchema });

export const policyReplySchema = z.object({
  /** The entry that set it. */
  n: ordinalSchema,
  policy: policySchema,
});
export type PolicyReply = z.infer<typeof policyReplySchema>;
/** What is left out stays as it is. */
export const policyRequestSchema = envelopeSchema.extend({
  change: policySchema.extend({ tiers: policySchema.shape.tiers.partial() }).partial(),
});
export type PolicyChange = z.infer<typeof policyRequestSchema>['change'];

/** By its number, its job, or the sha256 of its receipt. */
export const proveRequestSchema = envelopeSchema.extend({
  entry: z.union([ordinalSchema, jobIdSchema, sha256Schema]),
});
/** `proof` is null while the entry's day has no root: it gets one when the day is over. */
export const proveReplySchema = z.object({ day: daySchema, proof: proofSchema.nullable() });

export const rootsRequestSchema = envelopeSchema.extend({ limit: z.int().min(1).max(MAX_TOLD) });
export const rootsReplySchema = z.object({
  /** The last entry. */
  head: z.object({ n: ordinalSchema, hash: sha256Schema }),
  /** The newest first. */
  roots: z.array(z.object({ day: daySchema, count: ordinalSchema, root: sha256Schema, n: ordinalSchema })),
});
export type RootsReply = z.infer<typeof rootsReplySchema>;

export const teamRequestSchema = envelopeSchema.extend({ team: teamSchema.nullable() });
export const teamReplySchema = z.object({ team: teamSchema.nullable() });
export const teamsReplySchema = z.object({
  own: teamSchema.nullable(),
  /** Those that have earned most first. */
  teams: z.array(
    z.object({
      team: teamSchema,
      members: countSchema,
      earned: amountSchema,
      spent: amountSchema,
      jobsServed: countSchema,
      jobsAsked: countSchema,
      outputTokens: countSchema,
    }),
  ),
});
export type TeamsReply = z.infer<typeof teamsReplySchema>;

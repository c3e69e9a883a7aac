import { z } from 'zod';
import { accountSchema } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { sha256Schema } from '../../protocol/model.ts';
import { faultOf } from './blocklist.ts';

/** Largest rate and burst, so that counting them stays exact. */
const MAX_RATE = 1_000_000_000;

const rateSchema = z
  .strictObject({
    /** In the long run. */
    perMinute: z.int().min(1).max(MAX_RATE),
    /** At once, after a pause. Default: what a minute gives. */
    burst: z.int().min(1).max(MAX_RATE).optional(),
  })
  .transform(({ perMinute, burst = perMinute }) => ({ perMinute, burst }));

const ratesSchema = z.strictObject({
  jobs: rateSchema.optional(),
  /** Tokens of output that jobs ask for at most. */
  outputTokens: rateSchema.optional(),
});

const patternSchema = z.string().superRefine((pattern, context) => {
  const fault = faultOf(pattern);
  if (fault !== undefined)
    context.addIssue({ code: 'custom', message: `${JSON.stringify(pattern)} ${fault}` });
});

/** What an operator's policy file may hold. Nothing else: a field that is misspelt must not be ignored. */
export const policyRulesSchema = z.strictObject({
  limits: z
    .strictObject({
      /** Of a job's messages or raw prompt together, in UTF-8 bytes. */
      promptBytes: z.int().min(1).max(LIMITS.artifactBytes).optional(),
      messages: z.int().min(1).max(LIMITS.messages).optional(),
      /** Of output. */
      maxTokens: z.int().min(1).max(LIMITS.maxTokens).optional(),
    })
    .default({}),
  /** Of each account; those under `accounts` have their own. */
  rates: ratesSchema.default({}),
  accounts: z.record(accountSchema, z.strictObject({ rates: ratesSchema })).default({}),
  /** Jobs whose text holds one of a rule's patterns are refused for its reason. */
  blocked: z
    .array(
      z.strictObject({
        /** Told to who asked, and in the log. */
        reason: z.string().min(1).max(LIMITS.reasonLength),
        patterns: z.array(patternSchema).min(1).max(10_000),
      }),
    )
    .max(1_000)
    .default([]),
  /** Jobs whose text only their worker can look at. Default: refused where something is blocked. */
  sealed: z.enum(['allow', 'refuse']).optional(),
  /** The sha256 of every model file that may be used. Absent: any. */
  models: z.array(sha256Schema).min(1).max(10_000).optional(),
});
export type PolicyRules = z.infer<typeof policyRulesSchema>;

/** Takes everything. */
export const NO_RULES: PolicyRules = policyRulesSchema.parse({});

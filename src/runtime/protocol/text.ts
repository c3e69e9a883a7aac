import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { formatSchema } from './format.ts';
import { LIMITS } from './limits.ts';
import { fractionSchema } from './numbers.ts';

export const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
});
export type Message = z.infer<typeof messageSchema>;

/** How the next token is chosen. Numbers outside these ranges are refused, never clamped. */
export const samplingSchema = z.object({
  /** 0 is greedy. */
  temperature: z.number().min(0).max(5).default(0.8),
  /** Keep the k likeliest tokens; 0 keeps all that the sampler sees. */
  topK: z.int().min(0).max(1_000).default(40),
  topP: z.number().gt(0).max(1).default(0.95),
  minP: fractionSchema.default(0.05),
  /** 1 is off. Weighs on the last 64 tokens. */
  repeatPenalty: z.number().min(1).max(3).default(1),
});
export type Sampling = z.infer<typeof samplingSchema>;

/** 256 bits in hex: the whole of a text job's randomness. */
export const seedSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
  .brand<'Seed'>();
export type Seed = z.infer<typeof seedSchema>;

/** Names the sampling algorithm: with it, the seed and the model file, an output can be made again. */
export const SAMPLER_VERSION = 'gumbel-1';

/** What chose the tokens: our seeded sampler, or the engine's own under a grammar. */
export type SamplerName = typeof SAMPLER_VERSION | 'grammar';

/** What a text job asks for: a conversation through the model's chat template, or a raw prompt. */
export const textInputSchema = z.object({
  prompt: z.discriminatedUnion('form', [
    z.object({ form: z.literal('chat'), messages: z.array(messageSchema).min(1).max(LIMITS.messages) }),
    z.object({ form: z.literal('raw'), text: z.string().min(1) }),
  ]),
  /** Most tokens to generate. */
  maxTokens: z.int().min(1).max(LIMITS.maxTokens).default(1_024),
  /** Tokens of output that the context must have room for; with less, the job fails as `context-exceeded`. */
  outputRoom: z.int().min(1).max(LIMITS.maxTokens).optional(),
  /** The output ends before the first of these. */
  stop: z.array(z.string().min(1).max(LIMITS.stopLength)).max(LIMITS.stops).default([]),
  sampling: samplingSchema.prefault({}),
  seed: seedSchema,
  /** The output is constrained to this form; does not go with stop strings. */
  format: formatSchema.optional(),
});
export type TextInput = z.infer<typeof textInputSchema>;

/** Why the output ended: the model or a stop string ended it, or the token limit or context did. */
export const finishReasonSchema = z.enum(['stop', 'length']);
export type FinishReason = z.infer<typeof finishReasonSchema>;

/** A seed as `--seed` takes it: 64 hex digits, as an answer's JSON tells them, or any word. */
export function parseSeed(text: string): Seed {
  return seedSchema.safeParse(text).data ?? deriveSeed(text);
}

/** The seed that a number or any other word stands for. */
export function deriveSeed(word: string): Seed {
  return seedSchema.parse(createHash('sha256').update(`aipg seed 1\n${word}`).digest('hex'));
}

export function randomSeed(): Seed {
  return seedSchema.parse(randomBytes(32).toString('hex'));
}

import { z } from 'zod';
import { AipgError } from './errors.ts';
import { countSchema } from './numbers.ts';

/** Of one credit. */
export const MICRO_CREDITS = 1_000_000;
/** Of the whole: shares and multipliers are whole basis points, never fractions. */
export const BASIS_POINTS = 10_000;

/** Credits as they are counted: whole micro-credits, exact up to 2^53 − 1, negative for what an account gives. */
export const microCreditsSchema = z.int().brand<'MicroCredits'>();
export type MicroCredits = z.infer<typeof microCreditsSchema>;

/** What can be held, moved or paid: 0 or more. */
export const amountSchema = microCreditsSchema.refine((amount) => amount >= 0, 'must not be negative');
/** What can be issued or transferred: more than 0. */
export const positiveAmountSchema = microCreditsSchema.refine((amount) => amount > 0, 'must be more than 0');

export const NO_CREDITS: MicroCredits = microCreditsSchema.parse(0);

/** Micro-credits per million tokens. */
export const rateSchema = z.int().min(0).max(1_000_000_000_000);

/** What the tokens of one model cost. */
export const ratesSchema = z.strictObject({ input: rateSchema, output: rateSchema });
export type Rates = z.infer<typeof ratesSchema>;

/** How much work a job was, as it is paid for. */
export const tokenCountsSchema = z.strictObject({
  inputTokens: countSchema,
  outputTokens: countSchema,
});
export type TokenCounts = z.infer<typeof tokenCountsSchema>;

/** @throws AipgError `internal` for what is no whole number of micro-credits */
export function microCredits(amount: number): MicroCredits {
  if (Number.isSafeInteger(amount)) return amount as MicroCredits;
  throw new AipgError('internal', `${amount} is no amount of micro-credits.`);
}

/**
 * What tokens cost: rates × counts × multiplier, rounded up to a whole micro-credit once, for the payer.
 * The only place where credits are multiplied.
 * @param multiplier in basis points
 */
export function costOf(
  { inputTokens, outputTokens }: TokenCounts,
  { input, output }: Rates,
  multiplier: number,
): MicroCredits {
  const exact =
    (BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output)) * BigInt(multiplier);
  const unit = BigInt(MICRO_CREDITS) * BigInt(BASIS_POINTS);
  return microCredits(Number((exact + unit - 1n) / unit));
}

/** A part of an amount, rounded down. @param basisPoints 0 to 10,000 */
export function shareOf(amount: MicroCredits, basisPoints: number): MicroCredits {
  return microCredits(Number((BigInt(amount) * BigInt(basisPoints)) / BigInt(BASIS_POINTS)));
}

/** In credits, with as many decimals as it has: `1.25`, `-0.000001`. */
export function formatCredits(amount: MicroCredits): string {
  const digits = Math.abs(amount).toString().padStart(7, '0');
  const decimals = digits.slice(-6).replace(/0+$/, '');
  return `${amount < 0 ? '-' : ''}${digits.slice(0, -6)}${decimals && `.${decimals}`}`;
}

/** Reads credits as a person writes them: `1.25`. @throws AipgError `usage` */
export function parseCredits(text: string): MicroCredits {
  const [, whole, decimals = ''] = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  const amount = microCreditsSchema.safeParse(Number(`${whole}${decimals.padEnd(6, '0')}`));
  if (amount.success) return amount.data;
  throw new AipgError('usage', `${JSON.stringify(text)} is no amount of credits.`, {
    hint: 'Write it as 12 or 0.25: at most six decimals.',
  });
}

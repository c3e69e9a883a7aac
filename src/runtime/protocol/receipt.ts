import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { userKeySchema } from './credentials.ts';
import { accountSchema, jobIdSchema, workerIdSchema } from './ids.ts';
import { type Sha256, sha256Schema } from './model.ts';
import { countSchema, ordinalSchema, timeSchema } from './numbers.ts';
import type { JobInput } from './sealed.ts';

/** What a worker says of the attempt by which it ended a job. */
export const receiptStatementSchema = z.object({
  job: jobIdSchema,
  attempt: ordinalSchema,
  worker: workerIdSchema,
  /** The worker's public key, from which its id is derived. */
  key: userKeySchema,
  /** Whom the work is paid to: signed with the rest, so that nobody else can turn it to another. */
  payTo: accountSchema,
  modelSha256: sha256Schema,
  inputSha256: sha256Schema,
  outputSha256: sha256Schema,
  counts: z.object({ inputTokens: countSchema, outputTokens: countSchema }),
  startedAt: timeSchema,
  endedAt: timeSchema,
});
export type ReceiptStatement = z.infer<typeof receiptStatementSchema>;

/** A statement with its worker's signature: Ed25519 (RFC 8032) over {@link receiptBytes}, in base64url. */
export const receiptSchema = receiptStatementSchema.extend({
  signature: z.string().regex(/^[\w-]{86}$/, 'must be 86 characters of base64url'),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** What is signed: a line that says what follows, so that no other signature of the key can stand for it, and the statement. */
export function receiptBytes(receipt: ReceiptStatement | Receipt): Uint8Array {
  const { signature: _, ...statement } = receipt as Receipt;
  return new TextEncoder().encode(`aipg receipt 1\n${canonicalJson(statement)}`);
}

/** By which a ledger and a proof name a receipt: the sha256 of all of it, signature included. */
export function receiptHash(receipt: Receipt): Sha256 {
  return sha256(canonicalJson(receipt));
}

export function inputSha256(input: JobInput): Sha256 {
  return sha256(canonicalJson(input));
}

/** Of the text and the token ids: both were delivered. */
export function outputSha256({
  text,
  tokens,
}: {
  readonly text: string;
  readonly tokens: readonly number[];
}): Sha256 {
  return sha256(canonicalJson({ text, tokens }));
}

function sha256(text: string): Sha256 {
  return hash('sha256', text) as Sha256;
}

import type { z } from 'zod';
import { AipgError } from './errors.ts';
import { LIMITS } from './limits.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * @param limit in bytes
 * @throws AipgError `input-invalid` when the message would be over the limit
 */
export function encode(message: unknown, limit: number = LIMITS.messageBytes): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(message));
  if (bytes.length > limit) {
    throw new AipgError(
      'input-invalid',
      `The message has ${bytes.length} bytes, more than the bus takes (${limit}).`,
      { hint: 'Shorten the prompt, or answer it on this machine with --grid local.' },
    );
  }
  return bytes;
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** Parses what came over the bus. Never throws: a malformed message is a value, to be counted and refused. */
export function decode<T extends z.ZodType>(
  schema: T,
  bytes: Uint8Array,
  limit: number = LIMITS.messageBytes,
): Decoded<z.infer<T>> {
  if (bytes.length > limit) return { ok: false, reason: `is over ${limit} bytes` };
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(bytes));
  } catch {
    return { ok: false, reason: 'is not JSON' };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  // Its name would be a word of the sender's, and what is wrong with a message is logged.
  const isUnknown = firstOf(parsed.error.issues)?.code === 'unrecognized_keys';
  return { ok: false, reason: isUnknown ? 'has an unknown field' : describeIssue(parsed.error) };
}

/**
 * Whether a message that {@link encode} wrote can have a field of this name, without parsing it, which costs far more.
 * JSON can spell a name in other ways, which we never do: such a field counts as absent.
 */
export function mayHold(bytes: Uint8Array, field: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(`"${field}":`);
}

/** The first thing wrong, as `path: what`. */
export function describeIssue(error: z.ZodError): string {
  const issue = firstOf(error.issues);
  if (!issue) return 'is invalid';
  const path = issue.path.map(String).join('.');
  return path ? `${path}: ${issue.message}` : issue.message;
}

/** Of a union, what the first of its forms says. */
function firstOf([issue]: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const inner = firstOf(issue.errors[0] ?? []);
  return inner && { ...inner, path: [...issue.path, ...inner.path] };
}

import { AipgError } from '../protocol/errors.ts';

export interface HubContext {
  readonly endpoint: string;
  /** What was asked for: `org/repo`, or `org/repo:file.gguf`. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
}

/** Says what a failed request to the hub means, and what can be done. What is an {@link AipgError} passes through. */
export function hubError(error: unknown, { endpoint, what, signal }: HubContext): AipgError {
  if (signal?.aborted) {
    // Whoever stopped it may have said why.
    if (signal.reason instanceof AipgError) return signal.reason;
    return new AipgError('cancelled', `The download of ${what} was cancelled`, { cause: error });
  }
  if (error instanceof AipgError) return error;
  if (isFullDisk(error)) {
    return new AipgError('disk-full', `There is no more room for ${what}: ${reasonOf(error)}`, {
      hint: 'Make room, or choose another disk with HF_HUB_CACHE; the next try goes on where this one stopped.',
      cause: error,
    });
  }
  if (isDiskError(error)) {
    return new AipgError('internal', `The download of ${what} can't be written: ${reasonOf(error)}`, {
      hint: 'Make room, or choose another folder with HF_HUB_CACHE.',
      cause: error,
    });
  }
  const notFound = (message: string, hint: string) =>
    new AipgError('model-not-found', message, { hint, cause: error });
  const status = statusOf(error);
  switch (status) {
    case undefined:
      return notFound(
        `The hub at ${endpoint} can't be reached for ${what}: ${reasonOf(error)}`,
        'Check the connection, set HF_ENDPOINT to a mirror, or give the path of a GGUF file.',
      );
    case 401:
    case 403:
      return notFound(
        `The hub gives no access to ${what} (${status}): it is gated or private, or does not exist.`,
        `Ask for access at ${endpoint}/${what.split(':')[0]}, and set HF_TOKEN to a token that may read it.`,
      );
    case 404:
      return notFound(
        `The hub at ${endpoint} has no such repository or file: ${what}`,
        'Check the spelling.',
      );
    case 429:
      return notFound(
        `The hub at ${endpoint} refuses more requests for now (429): ${what}`,
        `Wait ${waitOf(error) ?? 'a few minutes'}, or set HF_TOKEN: a signed-in user may ask more often.`,
      );
    default:
      return notFound(
        `The hub at ${endpoint} failed (${status}): ${what}`,
        `Try again ${waitOf(error) === undefined ? 'later' : `in ${waitOf(error)}`}.`,
      );
  }
}

/** Whether asking again soon may help: a cut, a stall, an overloaded hub; not a wrong name or a closed port. */
export function isTransient(error: unknown): boolean {
  if (error instanceof AipgError || isDiskError(error)) return false;
  const status = statusOf(error);
  if (status !== undefined) return status === 429 || status >= 500;
  const code = systemCode(error);
  return code === undefined || !LASTING_CODES.has(code);
}

/** A refusal that says when to ask again. The library's own error keeps no header. */
export class HubRefusal extends Error {
  override readonly name = 'HubRefusal';
  readonly statusCode: number;
  readonly retryAfterMs: number;

  private constructor(status: number, retryAfterMs: number) {
    super(`status ${status}, to be asked again in ${Math.ceil(retryAfterMs / 1_000)} s`);
    this.statusCode = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Undefined for an answer that is no such refusal. @param now in ms since 1970 */
  static of({ status, headers }: Response, now = Date.now()): HubRefusal | undefined {
    const text = headers.get('retry-after')?.trim();
    if (!text || (status !== 429 && status < 500)) return undefined;
    // Seconds, or a date (RFC 9110, 10.2.3).
    const ms = /^\d+$/.test(text) ? 1_000 * Number(text) : Date.parse(text) - now;
    return Number.isFinite(ms) ? new HubRefusal(status, Math.max(0, ms)) : undefined;
  }
}

/** How long the hub asks to wait, in ms; 0 when it does not. */
export function retryAfterMs(error: unknown): number {
  return error instanceof HubRefusal ? error.retryAfterMs : 0;
}

function waitOf(error: unknown): string | undefined {
  const seconds = Math.ceil(retryAfterMs(error) / 1_000);
  if (seconds === 0) return undefined;
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}

const FULL_DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const DISK_CODES = new Set([...FULL_DISK_CODES, 'EIO']);
const LASTING_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'ENETUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function isFullDisk(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FULL_DISK_CODES.has(String(error.code));
}

/** By the path that the file system's errors name, except a write's. */
function isDiskError(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error)) return false;
  return 'path' in error || DISK_CODES.has(String(error.code));
}

/** Of @huggingface/hub's HubApiError, told by its shape: its class is loaded only on use. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error && 'statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return systemCode(error.cause);
}

/** The innermost cause, which names the address: fetch itself says no more than `fetch failed`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message || error.name;
}

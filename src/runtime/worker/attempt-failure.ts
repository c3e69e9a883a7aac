import { AipgError, type ErrorCode } from '../protocol/errors.ts';
import type { AttemptRecord } from '../protocol/events.ts';
import { LIMITS } from '../protocol/limits.ts';

/** What would fail in the same way on every worker. */
export const FINAL_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'context-exceeded',
  'input-invalid',
  'job-failed',
  'timeout',
  'usage',
]);

/** Errors whose words may hold words of the job, such as those of its schema. */
export const SAYS_CONTENT: ReadonlySet<ErrorCode> = new Set([
  'input-invalid',
  'internal',
  'job-failed',
  'usage',
]);

/** The same error in words that tell nothing of a job. */
export function withoutContent({ code }: AipgError): AipgError {
  return new AipgError(code, 'The job could not be done as it was asked; its client is told why.');
}

/** What the log may hold of an error. */
export function logged(error: AipgError): string {
  return error.code === 'input-invalid' ? 'the job cannot be done as it was asked' : error.message;
}

/** A worker that was lost on the way has failed the job only if it did not bring it forward. */
export function hasFailed({ end, newTokens = 0 }: AttemptRecord): boolean {
  return end === 'failed' || (end === 'lost' && newTokens === 0);
}

/** Why each attempt failed, in one sentence. */
export function describeAttempts(attempts: readonly AttemptRecord[]): string {
  const each = attempts.map(
    ({ attempt, worker, reason }) => `attempt ${attempt} on ${worker}: ${reason ?? 'lost'}`,
  );
  return `No worker could finish the job (${each.join('; ')}).`;
}

/** A reason as long as the bus takes it. */
export function brief(reason: string): string {
  return reason.slice(0, LIMITS.reasonLength).toWellFormed();
}

import { AipgError } from '../protocol/errors.ts';
import type { Job } from '../protocol/job.ts';
import type { TextInput } from '../protocol/text.ts';

/** An attempt may take this long, and this much more for each token asked for: the slowest that is of use to anybody. */
const BASE_MS = 120_000;
const PER_TOKEN_MS = 2_000;
/** Before the first token, and this much more for each character of the prompt. */
const FIRST_TOKEN_MS = 60_000;
const PER_CHARACTER_MS = 5;
/** Between two tokens. */
const NEXT_TOKEN_MS = 30_000;

/** When an attempt has to have ended, and what it then fails with. */
export interface Deadline {
  /** From now on, 0 or more. */
  readonly ms: number;
  readonly error: AipgError;
}

/** The job's own limit, from its acceptance, or else one that grows with the tokens asked for. */
export function attemptDeadlineMs({ acceptedAt, limits, input }: Job, now: number): Deadline {
  const longest = BASE_MS + PER_TOKEN_MS * input.maxTokens;
  const ownLimit =
    limits.timeoutMs === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, acceptedAt + limits.timeoutMs - now);
  if (ownLimit <= longest) {
    const message = `The job did not end within ${limits.timeoutMs} ms.`;
    return { ms: ownLimit, error: new AipgError('timeout', message) };
  }
  const message = `The attempt took longer than ${Math.round(longest / 1_000)} s.`;
  return { ms: longest, error: new AipgError('internal', message) };
}

/** How long an engine may be silent before it counts as hung, in milliseconds. */
export function stallLimitsMs({ prompt }: TextInput): { firstToken: number; nextToken: number } {
  const characters =
    prompt.form === 'raw'
      ? prompt.text.length
      : prompt.messages.reduce((sum, { content }) => sum + content.length, 0);
  return { firstToken: FIRST_TOKEN_MS + PER_CHARACTER_MS * characters, nextToken: NEXT_TOKEN_MS };
}

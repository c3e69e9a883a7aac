import type { Paths } from '../config/paths.ts';
import { toAipgError } from '../protocol/errors.ts';

/** `warning`: it works, and could be better. `broken`: something that aipg needs does not work. */
export type Status = 'ok' | 'warning' | 'broken';

/** One thing that was found, fit to be shown and printed as JSON; never holds a secret. */
export interface Finding {
  /** What it is about, one or two words: `engine`, `grid home`. */
  readonly subject: string;
  readonly status: Status;
  /** What was found, without a full stop. */
  readonly summary: string;
  /** What to do about it, as a sentence or a command. */
  readonly fix?: string | undefined;
  /** The same in numbers and names, by camelCase keys. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

/** What the checks look at. */
export interface Machine {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly paths: Paths;
  /** Of aipg. */
  readonly version: string;
  /** Whether a person sees the output. */
  readonly isTerminal: boolean;
  /** Whether the checks may go to the network for more than the user's own grids. */
  readonly network: boolean;
}

export interface Check {
  readonly subject: string;
  /** Most time that it may take, in milliseconds. */
  readonly limitMs: number;
  /** May throw: what it throws is a finding. */
  find(machine: Machine, signal: AbortSignal): Promise<readonly Finding[]>;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  /** Milliseconds. */
  readonly tookMs: number;
}

/** Runs a check to its end or its limit. Rejects with the reason of the signal alone. */
export async function runCheck(check: Check, machine: Machine, signal: AbortSignal): Promise<CheckResult> {
  const startedAt = performance.now();
  const limit = new AbortController();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  const timer = setTimeout(() => limit.abort(new Error('no end in sight')), check.limitMs);
  const either = AbortSignal.any([signal, limit.signal]);
  const onAbort = () => stopped.reject(either.reason);
  either.addEventListener('abort', onAbort);
  if (either.aborted) onAbort();
  try {
    const findings = await Promise.race([check.find(machine, either), stopped.promise]);
    return { findings, tookMs: performance.now() - startedAt };
  } catch (thrown) {
    signal.throwIfAborted();
    const finding = limit.signal.aborted ? outOfTime(check) : fromError(check.subject, thrown);
    return { findings: [finding], tookMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
    either.removeEventListener('abort', onAbort);
  }
}

/** The finding that an error is, with its hint as the fix. */
export function fromError(subject: string, thrown: unknown, status: Status = 'broken'): Finding {
  const { message, hint, code } = toAipgError(thrown);
  return { subject, status, summary: message.replace(/\.$/, ''), fix: hint, facts: { code } };
}

function outOfTime({ subject, limitMs }: Check): Finding {
  return {
    subject,
    status: 'broken',
    summary: `no answer within ${limitMs / 1_000} s`,
    fix: 'Try again when the machine is less busy; if it stays so, what is looked at here hangs.',
  };
}

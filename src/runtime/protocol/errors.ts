/** Every way an operation can fail that a user may see, and the exit code of the process that it ends. */
export const EXIT_CODES = {
  internal: 1,
  'history-unusable': 1,
  'replay-differs': 1,
  'ledger-invalid': 1,
  usage: 2,
  'input-invalid': 2,
  'context-exceeded': 2,
  'model-not-found': 3,
  'model-invalid': 3,
  'disk-full': 3,
  'grid-unreachable': 4,
  'not-permitted': 4,
  'protocol-mismatch': 4,
  'bus-server-missing': 4,
  'bus-server-too-old': 4,
  'bus-server-failed': 4,
  'port-in-use': 4,
  'job-failed': 5,
  'job-refused': 5,
  'job-not-found': 5,
  'queue-full': 5,
  'insufficient-credits': 5,
  'ledger-refused': 5,
  timeout: 6,
  cancelled: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

export const ERROR_CODES = Object.keys(EXIT_CODES) as [ErrorCode, ...ErrorCode[]];

export interface AipgErrorOptions {
  /** What the user can do next, as a full sentence or a command. */
  hint?: string;
  cause?: unknown;
}

/** The one error type that crosses a layer: a code, what happened to what, and the next step. */
export class AipgError extends Error {
  override readonly name = 'AipgError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: AipgErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }

  toJSON(): { code: ErrorCode; message: string; hint?: string } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }
}

/** Wraps anything thrown as an {@link AipgError}; what is one already passes through. */
export function toAipgError(error: unknown): AipgError {
  if (error instanceof AipgError) return error;
  return new AipgError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}

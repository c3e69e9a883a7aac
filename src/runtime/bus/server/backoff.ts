export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** A run at least this long counts as healthy: the next delay is the smallest again. */
  readonly healthyMs: number;
}

export const RESTART_BACKOFF: BackoffOptions = { minMs: 100, maxMs: 10_000, healthyMs: 30_000 };

/** Doubling delays: give it how long the last run was up (0 when it never was) and it says how long to wait. */
export function createBackoff({ minMs, maxMs, healthyMs }: BackoffOptions): (upMs: number) => number {
  let next = minMs;
  return (upMs) => {
    const delay = upMs >= healthyMs ? minMs : next;
    next = Math.min(delay * 2, maxMs);
    return delay;
  };
}

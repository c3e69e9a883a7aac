/** Times of a director that looks after jobs and reservations almost at once. */
export const QUICK = {
  reaperTimes: { firstLookMs: 300, clientGraceMs: 60_000 },
  sweepTimes: { everyMs: 100, minAgeMs: 1_000 },
} as const;

/** What a client is to do: keep this many jobs going for this long. */
export interface LoadRequest {
  readonly inFlight: number;
  readonly durationMs: number;
  /** Tokens, and so chunks, of each job's output. */
  readonly pieces: number;
}

export interface LoadReport {
  readonly jobsPerSecond: number;
  /** From submit to the first piece, in milliseconds. */
  readonly firstPieceMs: readonly number[];
}

/** Runs one job after another in each of the lanes. @param runJob Resolves at its end, with the time of its first piece. */
export async function runLoad(
  { inFlight, durationMs }: LoadRequest,
  runJob: () => Promise<{ firstAt: number }>,
): Promise<LoadReport> {
  const startedAt = performance.now();
  const firstPieceMs: number[] = [];
  const lane = async () => {
    while (performance.now() - startedAt < durationMs) {
      const submittedAt = performance.now();
      const { firstAt } = await runJob();
      firstPieceMs.push(firstAt - submittedAt);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { jobsPerSecond: (1_000 * firstPieceMs.length) / (performance.now() - startedAt), firstPieceMs };
}

import process from 'node:process';

/** What a child does on each request; the first answer, to none, says that it is ready. */
export type Handler = (request: never) => Promise<unknown>;

/** Runs a child's part until its parent goes: see child.ts. */
export async function playRole(
  start: () => Promise<{ handle?: Handler; stop?: () => PromiseLike<void> }>,
): Promise<void> {
  const send = (message: { answer: unknown } | { error: string }) => process.send?.(message);
  try {
    const { handle, stop } = await start();
    process.on('message', async ({ request, cpu }: { request: never; cpu?: true }) => {
      try {
        send({ answer: cpu ? cpuMicros() : await handle?.(request) });
      } catch (error) {
        send({ error: describe(error) });
      }
    });
    process.once('disconnect', async () => {
      await stop?.();
      process.exit(0);
    });
    send({ answer: undefined });
  } catch (error) {
    send({ error: describe(error) });
    process.exit(1);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

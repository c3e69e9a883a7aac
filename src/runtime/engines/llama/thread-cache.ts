import { join } from 'node:path';
import { z } from 'zod';
import { readCache, writeCache } from '../../cache/json-cache.ts';

const threadsFileSchema = z.object({
  /** Threads by what they were measured for. */
  threads: z.record(z.string(), z.int().min(1)),
});

/** The count remembered under a key, else what `measure` finds, which is then remembered. */
export async function rememberedThreads(
  cacheDir: string,
  key: string,
  measure: () => Promise<number>,
): Promise<number> {
  const path = join(cacheDir, 'threads.json');
  const known = (await readCache(path, threadsFileSchema))?.threads[key];
  if (known !== undefined) return known;
  const threads = await measure();
  // Read again: another process may have written meanwhile.
  const file = await readCache(path, threadsFileSchema);
  await writeCache(path, { threads: { ...file?.threads, [key]: threads } } satisfies z.infer<
    typeof threadsFileSchema
  >);
  return threads;
}

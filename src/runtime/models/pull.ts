import { toAipgError } from '../protocol/errors.ts';
import { listCachedModels } from './hub-cache.ts';
import type { HubOptions } from './hub-client.ts';
import { downloadToCache, writeMainRef } from './hub-download.ts';
import type { CachedLocated } from './located.ts';
import { checkRoom, type PullPlan, withHubErrors } from './plan-pull.ts';

/** How far a download is, all parts of a split model together. */
export interface PullProgress {
  /** The part that is on its way, from 1. */
  readonly part: number;
  readonly parts: number;
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface PullOptions extends HubOptions {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/**
 * Downloads what was planned into the Hugging Face cache. What an earlier try has left is continued; what is there
 * already is only linked. A model counts as there when all its parts are, each with the hash that the hub lists.
 * @throws AipgError `disk-full`, `model-not-found`, `model-invalid` or `cancelled`
 */
export async function pullModel(plan: PullPlan, options: PullOptions): Promise<CachedLocated> {
  checkRoom(plan);
  const { repo, parts, folder, bytes: totalBytes } = plan;
  const { onProgress, ...hub } = options;
  let before = 0;
  await withHubErrors(plan.reference.slice('hf:'.length), options, async () => {
    for (const [index, file] of parts.entries()) {
      const report = (received: number) =>
        onProgress?.({
          part: index + 1,
          parts: parts.length,
          receivedBytes: before + received,
          totalBytes,
        });
      await downloadToCache(repo, file, folder, { ...hub, onBytes: report });
      before += file.bytes;
      report(0);
    }
    await writeMainRef(repo, folder);
  });
  const model = (await listCachedModels(options.env)).find(
    (cached) => cached.repo === repo.id && cached.file === parts[0]?.path,
  );
  if (!model) throw toAipgError(new Error(`${plan.reference} is not in the cache after its download`));
  return { form: 'cached', ...model };
}

import { ensureBusServer } from '../../src/runtime/bus/server/ensure.ts';
import { resolvePaths } from '../../src/runtime/config/paths.ts';

/** Gets nats-server the way the product does, once, before any test needs it. */
export default async function setup(): Promise<void> {
  await ensureBusServer({ cacheDir: resolvePaths().cache });
}

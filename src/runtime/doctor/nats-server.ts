import { searchBusServer } from '../bus/server/find.ts';
import type { Check } from './check.ts';

const FOUND_BY = {
  env: 'named by AIPG_NATS_SERVER',
  path: 'on PATH',
  cache: 'in the cache',
  release: 'fetched',
  debian: 'fetched',
} as const;

/** The nats-server that `aipg up` would run. */
export const natsServer: Check = {
  subject: 'nats-server',
  limitMs: 15_000,
  find: async ({ paths, env }, signal) => {
    const { server, passedOver } = await searchBusServer({ cacheDir: paths.cache, env, signal });
    const subject = 'nats-server';
    if (server) {
      const { path, version, source } = server;
      const facts = { path, version, source, passedOver };
      return [{ subject, status: 'ok', summary: `${version} ${FOUND_BY[source]}: ${path}`, facts }];
    }
    return [
      {
        subject,
        status: 'warning',
        summary: passedOver.length > 0 ? passedOver.join('; ') : 'none here yet; `aipg up` fetches one',
        fix: 'To have it now: aipg bus install',
        facts: { passedOver },
      },
    ];
  },
};

import { Flags } from '@oclif/core';
import type { Paths } from '../runtime/config/paths.ts';
import type { OpenTo } from '../runtime/host/host.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { authorityFlags } from './authority-flags.ts';

/** NATS's own. */
const DEFAULT_PORT = 4222;

/** Flags that open the grid of `aipg up` to others. */
export const openFlags = {
  listen: Flags.string({
    description: `Open the grid to members with keys, see \`aipg grid init\`. Default port: ${DEFAULT_PORT}.`,
    helpValue: 'HOST[:PORT]',
    exclusive: ['port'],
  }),
  insecure: Flags.boolean({
    description: 'Listen beyond this machine without TLS, as inside a network that you trust.',
    dependsOn: ['listen'],
  }),
  ...authorityFlags,
};

/**
 * Who may come, and where.
 * @throws AipgError `usage` without the keys of a grid, or for an address beyond this machine without `--insecure`
 */
export async function openTo(
  paths: Paths,
  { listen, insecure, of }: { listen: string; insecure: boolean; of?: string | undefined },
): Promise<OpenTo> {
  const { host, port } = parseListen(listen);
  const [{ Authority }, { isLoopback }] = await Promise.all([
    import('../runtime/identity/authority.ts'),
    import('../runtime/host/host.ts'),
  ]);
  const authority = await Authority.open(paths, of);
  if (!isLoopback(host) && !insecure) {
    throw new AipgError(
      'usage',
      `Without TLS, all that goes to and from ${host} could be read on its way: prompts, answers.`,
      { hint: 'Inside a network that you trust, such as a VPN, say --insecure.' },
    );
  }
  return { host, port, authority };
}

/** @throws AipgError `usage` */
export function parseListen(text: string): { host: string; port: number } {
  const [, inBrackets, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = inBrackets ?? plain;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new AipgError('usage', `--listen must be HOST or HOST:PORT, not ${JSON.stringify(text)}.`, {
    hint: 'For example: --listen 0.0.0.0:4222',
  });
}

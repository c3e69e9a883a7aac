import { resolve } from 'node:path';
import process from 'node:process';
import { Flags } from '@oclif/core';
import type { Paths } from '../runtime/config/paths.ts';
import type { OpenTo, ServerTls } from '../runtime/host/host.ts';
import type { Authority } from '../runtime/identity/authority.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { authorityFlags } from './authority-flags.ts';

/** NATS's own. */
const DEFAULT_PORT = 4222;

/** Flags that open the grid of `aipg up` to others. */
export const openFlags = {
  listen: Flags.string({
    description: `Open the grid to members with keys, see \`aipg grid init\`. Default port: ${DEFAULT_PORT}.`,
    helpValue: 'HOST[:PORT]',
  }),
  insecure: Flags.boolean({
    description: 'Listen beyond this machine without TLS, as inside a network that you trust.',
    dependsOn: ['listen'],
    exclusive: ['tls', 'tls-cert'],
  }),
  tls: Flags.boolean({
    description:
      "Speak TLS alone: so it is where the grid's address is tls://, else its address becomes that, and members join anew.",
    dependsOn: ['listen'],
  }),
  'tls-cert': Flags.string({
    description: 'A certificate of your own, with those between it and its CA. Default: one is made.',
    helpValue: 'FILE',
    dependsOn: ['listen', 'tls-key'],
  }),
  'tls-key': Flags.string({
    description: 'The key of that certificate.',
    helpValue: 'FILE',
    dependsOn: ['tls-cert'],
  }),
  ...authorityFlags,
};

interface OpenFlags {
  readonly listen: string;
  readonly port?: number | undefined;
  readonly insecure: boolean;
  readonly tls: boolean;
  readonly 'tls-cert'?: string | undefined;
  readonly 'tls-key'?: string | undefined;
  readonly of?: string | undefined;
}

/**
 * Who may come, and where.
 * @throws AipgError `usage` without the keys of a grid, for two ports, for an address beyond this machine with neither
 * TLS nor `--insecure`, or for a certificate that does not fit
 */
export async function openTo(paths: Paths, flags: OpenFlags): Promise<OpenTo> {
  const { host, port } = parseListen(flags.listen, flags.port);
  const [{ Authority }, { isLoopback }] = await Promise.all([
    import('../runtime/identity/authority.ts'),
    import('../runtime/host/host.ts'),
  ]);
  let authority = await Authority.open(paths, flags.of);
  const wanted = flags.tls || flags['tls-cert'] !== undefined;
  if (wanted && !authority.isSecure) authority = await secure(paths, authority);
  if (authority.isSecure) {
    if (!flags.insecure) return { host, port, authority, tls: await certificateOf(authority, host, flags) };
    throw new AipgError(
      'usage',
      `Members of ${authority.name} reach it at ${authority.url}, and never in the clear.`,
      {
        hint: 'Leave out --insecure, or make a grid at nats://host:port.',
      },
    );
  }
  if (isLoopback(host) || flags.insecure) return { host, port, authority };
  throw new AipgError(
    'usage',
    `Without TLS, all that goes to and from ${host} could be read on its way: prompts, answers.`,
    { hint: 'Say --tls, or --insecure inside a network that you trust, such as a VPN.' },
  );
}

/** From now on the grid is reached by TLS: by its operator at once, by members whose invitation says so. */
async function secure(paths: Paths, authority: Authority): Promise<Authority> {
  const secured = await authority.secure();
  const { secureProfile } = await import('../runtime/identity/join.ts');
  const ca = await secured.certificates.ca();
  if (ca !== undefined) await secureProfile(paths, secured.name, secured.url, ca);
  process.stderr.write(
    `${secured.name} is at ${secured.url} from now on. Members that were invited to ${authority.url} need a new invitation.\n`,
  );
  return secured;
}

async function certificateOf(
  authority: Authority,
  host: string,
  { 'tls-cert': certFile, 'tls-key': keyFile }: OpenFlags,
): Promise<ServerTls> {
  const { hostsOf } = await import('../runtime/host/host.ts');
  const reached = hostsOf(authority.url);
  if (certFile === undefined || keyFile === undefined) {
    const here = ['0.0.0.0', '::'].includes(host) ? [] : [host];
    return authority.certificates.issue([...reached, ...here, 'localhost', '127.0.0.1', '::1']);
  }
  const own = { certFile: resolve(certFile), keyFile: resolve(keyFile) };
  await (await import('./certificate-files.ts')).checkCertificate(own, reached);
  return own;
}

/** @param asked The port of `--port`. @throws AipgError `usage` */
export function parseListen(text: string, asked?: number): { host: string; port: number } {
  const [, inBrackets, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = inBrackets ?? plain;
  const port = digits === undefined ? (asked ?? DEFAULT_PORT) : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new AipgError('usage', `--listen must be HOST or HOST:PORT, not ${JSON.stringify(text)}.`, {
      hint: 'For example: --listen 0.0.0.0:4222',
    });
  }
  if (asked !== undefined && asked !== port) {
    throw new AipgError('usage', `--listen ${text} names another port than --port ${asked}.`, {
      hint: 'Leave out one of the two ports.',
    });
  }
  return { host, port };
}

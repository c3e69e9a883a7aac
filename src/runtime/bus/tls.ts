import type { PeerCertificate } from 'node:tls';
import type { TlsOptions } from '@nats-io/transport-node';

/** What makes a bus that speaks TLS the right one. */
export interface BusTrust {
  /** The one CA that may have signed its certificate, as PEM. Default: those that this machine trusts. */
  readonly ca?: string | undefined;
  /** Names that its certificate may have beside those of the address, as where it is reached over this machine's own. */
  readonly hosts?: readonly string[] | undefined;
}

/** What the certificate of a server must be for who asks for TLS; with it, nothing is ever said in the clear. */
export async function tlsOptions(url: string, { ca, hosts = [] }: BusTrust): Promise<TlsOptions> {
  const { checkServerIdentity } = await import('node:tls');
  const names = [...new Set([...hostsOf(url), ...hosts])];
  const options = {
    ...(ca !== undefined && { ca }),
    // The library tells Node no name where the address is an IP.
    checkServerIdentity: (_: string, certificate: PeerCertificate) => {
      const errors = names.map((name) => checkServerIdentity(name, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
  return options;
}

/** The names and addresses of the servers of an address; IPv6 without its brackets. */
export function hostsOf(url: string): string[] {
  return url.split(',').map((server) => new URL(server).hostname.replace(/^\[|\]$/g, ''));
}

/** Node's names for a certificate that is not the right one. */
const CERTIFICATE_ERRORS: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Why a server's certificate was refused; `undefined` for an error of another kind. */
export function certificateError(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each && CERTIFICATE_ERRORS.has(String(each.code))) return each.message;
  }
  return undefined;
}

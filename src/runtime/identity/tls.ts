import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';

/** A certificate and its key, as files. */
export interface ServerCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate and its key, as PEM. */
export interface CertificateAuthority {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const CA_DAYS = 3_650;
/** A server's certificate is made anew at each start of `aipg up`. */
const SERVER_DAYS = 825;
/** A clock that is behind by this much still takes a new certificate, in milliseconds. */
const BACKDATED_MS = DAY_MS;
const KIND = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/** A CA for one grid: whoever trusts it trusts that grid's bus and nothing else. */
export async function newCertificateAuthority(grid: string): Promise<CertificateAuthority> {
  const { generate } = await import('selfsigned');
  const { cert, private: key } = await generate([{ name: 'commonName', value: `aipg grid ${grid}` }], {
    ...KIND,
    ...validFor(CA_DAYS),
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert, key };
}

/** Signs a new certificate for a server that is reached by these names and addresses, into a folder. */
export async function issueServerCertificate(
  dir: string,
  ca: CertificateAuthority,
  hosts: readonly string[],
): Promise<ServerCertificate> {
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: 'aipg bus' }], {
    ...KIND,
    ...validFor(SERVER_DAYS),
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) => (isIP(host) > 0 ? { type: 7, ip: host } : { type: 2, value: host })),
      },
    ],
  });
  const [certFile, keyFile] = [join(dir, 'server.pem'), join(dir, 'server.key')];
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(certFile, made.cert);
  await writeFile(keyFile, made.private, { mode: 0o600 });
  // A file that was there before keeps its mode.
  await chmod(keyFile, 0o600);
  return { certFile, keyFile };
}

/** By which two people can compare a certificate: SHA-256, in pairs of hex digits. @throws for what is no certificate */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

function validFor(days: number): { notBeforeDate: Date; notAfterDate: Date } {
  const now = Date.now();
  return { notBeforeDate: new Date(now - BACKDATED_MS), notAfterDate: new Date(now + days * DAY_MS) };
}

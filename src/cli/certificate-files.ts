import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AipgError } from '../runtime/protocol/errors.ts';

/** @param flag that named the file @throws AipgError `usage` for a file that cannot be read as a certificate in PEM */
export async function readPem(flag: string, file: string): Promise<string> {
  const text = await readText(flag, file);
  try {
    new X509Certificate(text);
    return text;
  } catch (cause) {
    throw new AipgError('usage', `${file} of ${flag} is not a certificate in PEM.`, { cause });
  }
}

/**
 * Looks at a certificate before a server is started with it.
 * @param hosts by which members reach the server: it must be for one of them
 * @throws AipgError `usage` when it is damaged, not of this key, not for any of the hosts, or not valid now
 */
export async function checkCertificate(
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
  hosts: readonly string[],
  now = Date.now(),
): Promise<void> {
  const certificate = new X509Certificate(await readPem('--tls-cert', certFile));
  const key = parseKey(await readText('--tls-key', keyFile), keyFile);
  if (!certificate.checkPrivateKey(key)) {
    throw new AipgError('usage', `${keyFile} is not the key of the certificate in ${certFile}.`);
  }
  if (!hosts.some((host) => certificate.checkHost(host) ?? certificate.checkIP(host))) {
    throw new AipgError('usage', `The certificate in ${certFile} is not for ${hosts.join(' or ')}.`, {
      hint: `It is for ${certificate.subjectAltName ?? 'nobody'}; members reach the bus by the address of \`aipg grid init --url\`.`,
    });
  }
  if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) {
    throw new AipgError(
      'usage',
      `The certificate in ${certFile} is valid from ${certificate.validFrom} to ${certificate.validTo}.`,
    );
  }
}

function parseKey(text: string, file: string) {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new AipgError('usage', `${file} of --tls-key is not a private key in PEM.`, { cause });
  }
}

async function readText(flag: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw new AipgError('usage', `${file} of ${flag} cannot be read (${cause.message}).`, { cause });
  });
}

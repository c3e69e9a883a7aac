import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AipgError } from '../protocol/errors.ts';
import { readIfThere } from './files.ts';
import { issueServerCertificate, newCertificateAuthority, type ServerCertificate } from './tls.ts';

/** Whose certificates members trust: a new CA of the grid's own, this one, or any that their machines trust. */
export type CaChoice = 'new' | 'system' | { readonly cert: string; readonly key?: undefined };

const CA_FILE = 'ca.pem';
const CA_KEY_FILE = 'ca.key';

/** By what the bus of a grid is known to its members: the CA in their invitations, and the certificates that it signs. */
export class Certificates {
  readonly #dir: string;
  readonly #grid: string;

  constructor(dir: string, grid: string) {
    this.#dir = dir;
    this.#grid = grid;
  }

  /** The one CA that members trust, as PEM; without one, those of their machines. */
  async ca(): Promise<string | undefined> {
    return readIfThere(join(this.#dir, CA_FILE));
  }

  async choose(choice: CaChoice): Promise<void> {
    if (choice === 'system') return;
    const { cert, key } = choice === 'new' ? await newCertificateAuthority(this.#grid) : choice;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    if (key !== undefined) await writeFile(join(this.#dir, CA_KEY_FILE), key, { mode: 0o600 });
    await writeFile(join(this.#dir, CA_FILE), cert, { mode: 0o600 });
  }

  /**
   * A new certificate for the bus, signed by the grid's own CA.
   * @param hosts names and addresses by which it is reached
   * @throws AipgError `usage` when members trust another CA
   */
  async issue(hosts: readonly string[]): Promise<ServerCertificate> {
    const [cert, key] = await Promise.all([this.ca(), readIfThere(join(this.#dir, CA_KEY_FILE))]);
    if (cert !== undefined && key !== undefined) {
      return issueServerCertificate(this.#dir, { cert, key }, [...new Set(hosts)]);
    }
    throw new AipgError('usage', `The CA that members of ${this.#grid} trust has its key elsewhere.`, {
      hint: 'Name the certificate that it has signed for this bus: --tls-cert FILE --tls-key FILE',
    });
  }
}

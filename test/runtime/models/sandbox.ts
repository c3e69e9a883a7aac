import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { ggufFile } from '../../support/gguf.ts';
import { sha256 } from '../../support/hub.ts';

export const COMMIT = 'a'.repeat(40);

/** The bundled model: a real GGUF file. */
export function tinyModel(): Promise<Buffer> {
  return readFile(fileURLToPath(new URL('../../../models/aipg-tiny-f16.gguf', import.meta.url)));
}

/** A GGUF file that has a header and no weights, different for each label. */
export function fakeGguf(label: string): Buffer {
  return ggufFile({ metadata: { 'general.architecture': 'llama', 'general.name': label } });
}

/** A home of its own, with an environment that names nothing outside. */
export class Sandbox implements AsyncDisposable {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly hubCache: string;

  private constructor(root: string) {
    this.root = root;
    this.env = { HOME: root };
    this.cacheDir = join(root, 'aipg-cache');
    this.hubCache = join(root, '.cache', 'huggingface', 'hub');
  }

  static async create(): Promise<Sandbox> {
    return new Sandbox(await mkdtemp(join(tmpdir(), 'aipg-models-')));
  }

  async write(path: string, content: Buffer | string): Promise<string> {
    const full = join(this.root, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, content);
    return full;
  }

  /** Puts a file into the hub's cache as its tools do. @returns the blob's path */
  async cache(repo: string, file: string, content: Buffer, { commit = COMMIT, blob = sha256(content) } = {}) {
    const folder = join(this.hubCache, `models--${repo.replace('/', '--')}`);
    const blobPath = join(folder, 'blobs', blob);
    const link = join(folder, 'snapshots', commit, file);
    await mkdir(dirname(blobPath), { recursive: true });
    await mkdir(dirname(link), { recursive: true });
    await writeFile(blobPath, content);
    await symlink(relative(dirname(link), blobPath), link);
    return blobPath;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** The AipgError that a promise ends in; anything else fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<AipgError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AipgError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

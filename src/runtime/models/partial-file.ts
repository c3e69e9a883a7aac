import { type Hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';

/** Those that this process is writing. */
const active = new Set<string>();
const IDLE_TIMEOUT_MS = 60_000;

/**
 * A file on its way. It has a name of its own, so that two processes never write into one, and is renamed when whole.
 * One that a dead process has left on this machine is taken over and continued.
 */
export class PartialFile implements AsyncDisposable {
  /** Bytes on disk. */
  received = 0;
  readonly #path: string;
  readonly #target: string;
  readonly #handle: FileHandle;
  #hashes: readonly Hash[];

  private constructor(path: string, target: string, handle: FileHandle, hashes: readonly Hash[]) {
    this.#path = path;
    this.#target = target;
    this.#handle = handle;
    this.#hashes = hashes;
  }

  /** @param hashes makes the hashes to be fed with the content */
  static async create(target: string, hashes: () => readonly Hash[]): Promise<PartialFile> {
    await mkdir(dirname(target), { recursive: true });
    const path = `${target}.${host()}-${process.pid}-${randomBytes(4).toString('hex')}.incomplete`;
    // From now on, for another download of this process would take it for one that was left.
    active.add(path);
    try {
      const isLeft = await takeOver(target, path);
      const file = new PartialFile(path, target, await open(path, 'a', 0o644), hashes());
      if (isLeft) await file.#readAll();
      return file;
    } catch (error) {
      active.delete(path);
      throw error;
    }
  }

  /**
   * Writes what comes. What was written before a failure stays, to be continued.
   * @param maxBytes of the whole file; the rest of a stream that has more is left
   */
  async append(
    stream: ReadableStream<Uint8Array>,
    maxBytes: number,
    {
      signal,
      onBytes,
    }: { signal?: AbortSignal | undefined; onBytes?: ((received: number) => void) | undefined },
  ): Promise<void> {
    const idle = new AbortController();
    const timer = setTimeout(
      () => idle.abort(new Error(`no data for ${IDLE_TIMEOUT_MS / 1_000} s`)),
      IDLE_TIMEOUT_MS,
    );
    try {
      const until = signal ? AbortSignal.any([signal, idle.signal]) : idle.signal;
      for await (const chunk of Readable.fromWeb(stream, { signal: until })) {
        await this.#handle.writeFile(chunk);
        this.#count(chunk);
        timer.refresh();
        if (this.received > maxBytes) break;
        onBytes?.(this.received);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The hashes of the whole content, in hex. */
  digests(): readonly string[] {
    return this.#hashes.map((hash) => hash.copy().digest('hex'));
  }

  /** Begins anew. */
  async restart(hashes: readonly Hash[]): Promise<void> {
    await this.#handle.truncate(0);
    this.#hashes = hashes;
    this.received = 0;
  }

  /** Makes it the file that it was to become; on disk first, for a name that stands for its content. */
  async commit(): Promise<void> {
    await this.#handle.sync();
    await rename(this.#path, this.#target);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  /** Leaves what is there, for another try. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    active.delete(this.#path);
    if (this.received === 0) await this.remove();
  }

  async #readAll(): Promise<void> {
    for await (const chunk of createReadStream(this.#path, { highWaterMark: 1 << 20 })) this.#count(chunk);
  }

  #count(chunk: Uint8Array): void {
    for (const hash of this.#hashes) hash.update(chunk);
    this.received += chunk.length;
  }
}

/** How much of a file lies here from downloads that ended before their end, in bytes. */
export async function leftBytes(target: string): Promise<number> {
  const [largest] = await leftFiles(target);
  return largest?.bytes ?? 0;
}

/** A rename is atomic: of several processes one gets the file. The smaller ones that were left are of no more use. */
async function takeOver(target: string, path: string): Promise<boolean> {
  let isTaken = false;
  for (const left of await leftFiles(target)) {
    if (isTaken) await rm(left.path, { force: true });
    else {
      isTaken = await rename(left.path, path).then(
        () => true,
        // Another was first.
        () => false,
      );
    }
  }
  return isTaken;
}

/** What dead processes have left of a file, the largest first. */
async function leftFiles(target: string): Promise<{ path: string; bytes: number }[]> {
  const folder = dirname(target);
  const left: { path: string; bytes: number }[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${basename(target)}.${host()}-`)) continue;
    const path = join(folder, name);
    const pid = /-(\d+)-[0-9a-f]{8}\.incomplete$/.exec(name)?.[1];
    if (pid === undefined || isWriting(Number(pid), path)) continue;
    const bytes = await stat(path).then(
      ({ size }) => size,
      () => undefined,
    );
    if (bytes !== undefined) left.push({ path, bytes });
  }
  return left.sort((a, b) => b.bytes - a.bytes);
}

function isWriting(pid: number, path: string): boolean {
  if (pid === process.pid) return active.has(path);
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Processes are told apart by number on one machine only, and a cache may be shared by many. */
function host(): string {
  return hostname()
    .replace(/[^A-Za-z0-9]+/g, '_')
    .slice(0, 40);
}

import { open } from 'node:fs/promises';

/** Bytes that can be read from any place: a file of this machine, or one of the hub by range requests. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  /** Of the whole, in bytes. */
  readonly bytes: number;
  /** The bytes from `start` to before `end`; fewer where the file ends before. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A file, open until it is disposed. @throws the file system's error */
export async function fileSource(path: string): Promise<ByteSource & AsyncDisposable> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    return {
      name: path,
      bytes: size,
      async read(start, end) {
        const buffer = Buffer.alloc(Math.max(0, Math.min(end, size) - start));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
        return buffer.subarray(0, bytesRead);
      },
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

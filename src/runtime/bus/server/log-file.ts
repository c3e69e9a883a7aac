import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log that keeps at most two files of `maxBytes`: itself and, as `<path>.1`, the one before. */
export interface LogFile {
  /** Appends a line. A full or broken disk loses the line, never the server. */
  write(line: string): void;
  close(): void;
}

export const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** Opens a log for appending, readable by its owner only; makes its folder. @throws Error of the file system */
export function openLogFile(path: string, maxBytes: number = MAX_LOG_BYTES): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  let file: number | undefined = open(path);
  let bytes = fstatSync(file).size;

  function rotate(): void {
    close();
    renameSync(path, `${path}.1`);
    file = open(path);
    bytes = 0;
  }
  function close(): void {
    if (file !== undefined) closeSync(file);
    file = undefined;
  }
  return {
    write(line) {
      try {
        if (bytes > maxBytes) rotate();
        if (file !== undefined) bytes += writeSync(file, `${line}\n`);
      } catch {
        // Nowhere to say so: this is the log.
      }
    },
    close,
  };
}

function open(path: string): number {
  return openSync(path, 'a', 0o600);
}

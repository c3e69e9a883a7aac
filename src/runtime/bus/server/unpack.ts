import { join } from 'node:path';
import process from 'node:process';
import { runCommand } from './command.ts';

export interface UnpackOptions {
  readonly archive: string;
  readonly member: string;
  /** The new file to write. */
  readonly file: string;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 60_000;

/**
 * Copies one member of a `.tar`, `.tar.gz` or (where tar is bsdtar) `.zip` archive to a file with the system's tar.
 * tar only writes to its stdout here, so no name within the archive can reach the file system.
 * @throws Error in one line
 */
export async function unpackMember({ archive, member, file, signal }: UnpackOptions): Promise<void> {
  const gzip = archive.endsWith('.gz') ? ['-z'] : [];
  const args = ['-x', ...gzip, '-O', '-f', archive, '--', member];
  const result = await runCommand(tarProgram(), args, { timeoutMs: TIMEOUT_MS, signal, stdoutFile: file });
  if (result.ok) return;
  throw new Error(result.startError === 'ENOENT' ? 'no `tar` on this machine' : `tar: ${result.problem}`);
}

/** On Windows the system's own bsdtar, since a GNU tar that came with other tools reads no zip. */
function tarProgram(): string {
  const root = process.env['SystemRoot'];
  return process.platform === 'win32' && root ? join(root, 'System32', 'tar.exe') : 'tar';
}

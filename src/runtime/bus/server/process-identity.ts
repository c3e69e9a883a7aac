import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { runCommand } from './command.ts';

/** A process, told apart from a later one with the same pid by when it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; undefined where the system does not tell. */
  readonly started?: string | undefined;
}

const PS_TIMEOUT_MS = 5_000;

/** The identity of a running process, or undefined when there is none with this pid. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!exists(pid)) return undefined;
  if (process.platform === 'linux') return identifyByProc(pid);
  if (process.platform === 'win32') return { pid };
  const ps = await runCommand('ps', ['-o', 'lstart=', '-p', String(pid)], { timeoutMs: PS_TIMEOUT_MS });
  return ps.ok ? { pid, started: ps.stdout.trim() } : undefined;
}

/** Whether that same process still runs; a zombie does not. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  if (now === undefined) return false;
  return now.started === undefined || identity.started === undefined || now.started === identity.started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** See proc_pid_stat(5): field 3 is the state, 22 the start in ticks since boot. The name, field 2, may hold blanks. */
async function identifyByProc(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { pid, started: `${boot.trim()}:${fields[19]}` };
}

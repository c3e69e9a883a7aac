import { setTimeout as delay } from 'node:timers/promises';
import { throwIfCancelled } from './cancel.ts';
import { runCommand } from './command.ts';
import { isSupportedVersion, MIN_BUS_SERVER_VERSION, parseBusServerVersion } from './version.ts';

/** What an executable turned out to be; `problem` completes the sentence "it …". */
export type Probe =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly reason: 'unusable' | 'too-old'; readonly problem: string };

const TIMEOUT_MS = 10_000;
const BUSY_RETRIES = 20;
const BUSY_DELAY_MS = 50;

/**
 * Runs `<path> --version` (10 s at most) and judges the answer.
 * @throws AipgError `cancelled`
 */
export async function probeBusServer(path: string, signal?: AbortSignal): Promise<Probe> {
  for (let attempt = 0; ; attempt += 1) {
    const result = await runCommand(path, ['--version'], { timeoutMs: TIMEOUT_MS, signal });
    throwIfCancelled(signal, 'the search for nats-server');
    // A fork elsewhere in this process can hold a just-written executable open for a moment (golang/go#22315).
    if (result.startError === 'ETXTBSY' && attempt < BUSY_RETRIES) {
      await delay(BUSY_DELAY_MS);
      continue;
    }
    if (!result.ok) return unusable(describeStart(result.startError) ?? `does not run: ${result.problem}`);
    const version = parseBusServerVersion(result.stdout);
    if (version === undefined) return unusable('is not a nats-server');
    if (isSupportedVersion(version)) return { ok: true, version };
    const problem = `is version ${version}, older than ${MIN_BUS_SERVER_VERSION}`;
    return { ok: false, reason: 'too-old', problem };
  }
}

function unusable(problem: string): Probe {
  return { ok: false, reason: 'unusable', problem };
}

function describeStart(code: string | undefined): string | undefined {
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES') return 'is not executable';
  return undefined;
}

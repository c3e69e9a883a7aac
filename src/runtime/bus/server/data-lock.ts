import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AipgError } from '../../protocol/errors.ts';
import { identifyProcess, isRunning } from './process-identity.ts';

/** The right to run a server on a data folder. */
export interface DataLock {
  /** Notes the running server, which may outlive this process for a moment. */
  setServer(pid: number): Promise<void>;
  release(): Promise<void>;
}

const identity = z.object({ pid: z.int().positive(), started: z.string().optional() });
const lockSchema = z.object({ token: z.string(), owner: identity, server: identity.optional() });
type LockRecord = z.infer<typeof lockSchema>;

const LOCK_NAME = 'aipg-bus.lock';
/** A server whose owner died ends within a second; nobody needs to hear of it. */
const ORPHAN_WAIT_MS = 5_000;
const ORPHAN_POLL_MS = 50;
const ATTEMPTS = 5;

/**
 * Takes the lock of a data folder: two servers on one JetStream folder would destroy it. A lock whose processes are
 * gone is taken over. Processes of another machine or container that share the folder are not seen.
 * @throws AipgError `bus-server-failed` when a running server has it
 */
export async function acquireDataLock(dataDir: string): Promise<DataLock> {
  const path = join(dataDir, LOCK_NAME);
  const owner = (await identifyProcess(process.pid)) ?? { pid: process.pid };
  let record: LockRecord = { token: randomUUID(), owner };

  for (let attempt = 1; !(await create(path, record)); attempt += 1) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const holder = parse(text);
    if (holder !== undefined) await assertGone(holder, dataDir);
    // A record that does not parse is being written now, or its writer died at it.
    else if (attempt < ATTEMPTS) await delay(ORPHAN_POLL_MS);
    if (holder !== undefined || attempt >= ATTEMPTS) await removeStale(path, text);
    if (attempt > 2 * ATTEMPTS) throw inUse(dataDir, holder);
  }
  return {
    async setServer(pid) {
      const server = await identifyProcess(pid);
      if (server === undefined) return;
      record = { ...record, server };
      const next = `${path}.${record.token}`;
      await writeFile(next, JSON.stringify(record), { mode: 0o600 });
      await rename(next, path);
    },
    async release() {
      const text = await readFile(path, 'utf8').catch(() => '');
      if (parse(text)?.token === record.token) await rm(path, { force: true });
    },
  };
}

async function create(path: string, record: LockRecord): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function assertGone(holder: LockRecord, dataDir: string): Promise<void> {
  if (await isRunning(holder.owner)) throw inUse(dataDir, holder);
  if (holder.server === undefined) return;
  for (let waited = 0; await isRunning(holder.server); waited += ORPHAN_POLL_MS) {
    if (waited >= ORPHAN_WAIT_MS) throw inUse(dataDir, holder);
    await delay(ORPHAN_POLL_MS);
  }
}

/** Moves the lock aside before it is deleted, and puts it back if another process renewed it in between. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const text = await readFile(aside, 'utf8');
  if (text === stale) await rm(aside, { force: true });
  else await rename(aside, path);
}

function parse(text: string): LockRecord | undefined {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function inUse(dataDir: string, holder: LockRecord | undefined): AipgError {
  const pid = holder?.owner.pid;
  const by = pid === undefined ? '' : ` (process ${pid})`;
  return new AipgError('bus-server-failed', `Another bus server uses ${dataDir}${by}.`, {
    hint: `Use the grid that runs there, ${pid === undefined ? 'stop it' : `end process ${pid}`}, or choose another data folder.`,
  });
}

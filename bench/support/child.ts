import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** A process of the benchmark's own that plays one part; see role.ts for its side. */
export interface Child extends AsyncDisposable {
  /** Has it do something and waits for the answer. */
  ask<Answer>(request: unknown): Promise<Answer>;
  /** Processor time that it has used, in microseconds. */
  cpuMicros(): Promise<number>;
}

/**
 * Starts a part of `bench/roles` and waits until it is ready. With `AIPG_BENCH_PROFILE=FOLDER` it leaves a CPU profile
 * there.
 */
export async function startChild(role: string, ...args: string[]): Promise<Child> {
  const folder = process.env['AIPG_BENCH_PROFILE'];
  const profile = folder
    ? [
        '--cpu-prof',
        `--cpu-prof-dir=${folder}`,
        `--cpu-prof-name=${role}-${process.pid}-${Date.now()}.cpuprofile`,
      ]
    : [];
  const child = fork(fileURLToPath(new URL(`../roles/${role}.ts`, import.meta.url)), args, {
    execArgv: ['--disable-warning=ExperimentalWarning', ...profile],
    // A log goes to stderr, as it would in service; nobody reads it.
    stdio: ['ignore', 'inherit', process.env['AIPG_BENCH_LOG'] ? 'inherit' : 'ignore', 'ipc'],
  });
  await answer(child, role);
  const ask = async (message: object) => {
    child.send(message);
    return await answer(child, role);
  };
  return {
    ask: async <Answer>(request: unknown) => (await ask({ request })) as Answer,
    cpuMicros: async () => (await ask({ cpu: true })) as number,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

async function answer(child: ChildProcess, role: string): Promise<unknown> {
  const settled = Promise.withResolvers<unknown>();
  const onExit = (code: number | null) => settled.reject(new Error(`${role} ended early (${code})`));
  const onMessage = (message: { answer?: unknown; error?: string }) => {
    if (message.error === undefined) settled.resolve(message.answer);
    else settled.reject(new Error(`${role}: ${message.error}`));
  };
  child.on('exit', onExit).on('message', onMessage);
  try {
    return await settled.promise;
  } finally {
    child.off('exit', onExit).off('message', onMessage);
  }
}

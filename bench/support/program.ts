import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** When it ends, prints on descriptor 3 its peak of resident memory in kB and, in bytes, what still is in use then. */
const TELL_MEMORY = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  process.on('exit', () => {
    const { maxRSS } = process.resourceUsage();
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    const { heapUsed, external } = process.memoryUsage();
    writeSync(3, JSON.stringify({ peakKilobytes: maxRSS, liveBytes: heapUsed + external }));
  });
`)}`;

export interface Ran extends Memory {
  readonly stderr: string;
}

interface Memory {
  readonly peakKilobytes: number;
  /** After a collection of garbage, at the end. */
  readonly liveBytes: number;
}

/** The built binary. @throws when nothing is built */
export function builtProgram(): string {
  if (!existsSync(new URL('../../dist/cli/main.js', import.meta.url))) {
    throw new Error('Build first: npm run build');
  }
  return fileURLToPath(new URL('../../bin/run.js', import.meta.url));
}

/** Runs the built binary to its end. @throws when it fails */
export async function runProgram(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  const folder = process.env['AIPG_BENCH_PROFILE'];
  const profile = folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
  const child = spawn(process.execPath, [...profile, '--import', TELL_MEMORY, builtProgram(), ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [, , stderrStream, memoryStream] = child.stdio;
  const [stderr, memory, [code]] = await Promise.all([
    text(stderrStream as NodeJS.ReadableStream),
    text(memoryStream as NodeJS.ReadableStream),
    once(child, 'exit'),
  ]);
  if (code !== 0) throw new Error(`aipg ${args.join(' ')} ended with ${code}: ${stderr}`);
  return { stderr, ...(JSON.parse(memory) as Memory) };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Prints its peak of resident memory in kB on descriptor 3 when it ends. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(
  "import{writeSync}from'node:fs';process.on('exit',()=>writeSync(3,String(process.resourceUsage().maxRSS)))",
)}`;

export interface Ran {
  readonly stderr: string;
  readonly peakKilobytes: number;
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
  const child = spawn(process.execPath, [...profile, '--import', TELL_PEAK, builtProgram(), ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [, , stderrStream, peakStream] = child.stdio;
  const [stderr, peak, [code]] = await Promise.all([
    text(stderrStream as NodeJS.ReadableStream),
    text(peakStream as NodeJS.ReadableStream),
    once(child, 'exit'),
  ]);
  if (code !== 0) throw new Error(`aipg ${args.join(' ')} ended with ${code}: ${stderr}`);
  return { stderr, peakKilobytes: Number(peak) };
}

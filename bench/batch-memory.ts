import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInput } from '../src/runtime/batch/lines.ts';
import { startBus } from './support/bus.ts';
import { startChild } from './support/child.ts';
import { runProgram } from './support/program.ts';
import { temporaryHome } from './support/running-grid.ts';
import { number, printTable } from './support/table.ts';

const LINES = [1_000, 20_000, 200_000] as const;
const IN_FLIGHT = 64;
const SLOTS = 16;
/** About as long as a short instruction with some context, in characters. */
const PROMPT = 'a prompt of a few words and then some more of them. '.repeat(4);

/** Peak memory of the client of a batch, by how many lines it has; the engine of the grid's worker answers at once. */
export async function batchMemory(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aipg-bench-'));
  try {
    const rows: string[][] = [];
    for (const lines of LINES) rows.push(await measure(folder, lines));
    printTable(
      `batch-memory: \`aipg gen --batch\`, an engine that answers at once, ${IN_FLIGHT} in flight`,
      ['lines', 'peak MB', 'live MB', 'lines/s', 'input MB', 'output MB', 'resume MB', 'resume s'],
      rows,
      [
        "live: what is in use at the end, after a collection of garbage; the peak has V8's garbage with it.",
        'resume: `--resume` of the complete output, which reads all of it and finds nothing left to do.',
      ],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, lines: number): Promise<string[]> {
  const [input, output] = [join(folder, `${lines}.jsonl`), join(folder, `${lines}.out`)];
  const inputBytes = await writeInput(input, lines);
  await using bus = await startBus();
  await using _director = await startChild('director', bus.url);
  await using _worker = await startChild('instant-worker', bus.url, String(SLOTS));
  await using home = await temporaryHome();
  const batch = ['gen', '--batch', input, '-o', output, '--grid', bus.url, '-n', '20', '--json'];
  const ran = await runProgram([...batch, '-j', String(IN_FLIGHT)], home.env);
  const { totalMs } = JSON.parse(ran.stderr) as { totalMs: number };
  const outputBytes = await checkOutput(output, lines);
  const resumedAt = performance.now();
  const resumed = await runProgram([...batch, '-j', String(IN_FLIGHT), '--resume'], home.env);
  const resumeMs = performance.now() - resumedAt;
  await rm(output);
  return [
    lines.toLocaleString('en-US'),
    number(ran.peakKilobytes / 1_000),
    number(ran.liveBytes / 1e6),
    number((1_000 * lines) / totalMs),
    number(inputBytes / 1e6),
    number(outputBytes / 1e6),
    number(resumed.peakKilobytes / 1_000),
    number(resumeMs / 1_000),
  ];
}

async function writeInput(file: string, lines: number): Promise<number> {
  const stream = createWriteStream(file);
  for (let index = 0; index < lines; index++) {
    if (!stream.write(`${JSON.stringify({ prompt: PROMPT, id: index })}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
  return stream.bytesWritten;
}

/** Every line once and in order. */
async function checkOutput(file: string, lines: number): Promise<number> {
  const stream = createReadStream(file);
  let next = 0;
  for await (const { bytes } of readInput(stream)) {
    const { index, error } = JSON.parse(String(bytes)) as { index: number; error?: unknown };
    if (index !== next || error !== undefined)
      throw new Error(`line ${next}: ${String(bytes).slice(0, 200)}`);
    next += 1;
  }
  if (next !== lines) throw new Error(`${next} of ${lines} lines`);
  return stream.bytesRead;
}

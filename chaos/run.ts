import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runChaos } from './harness.ts';
import { renderReport } from './report.ts';

const count = (least: number) => z.coerce.number().int().min(least);
const optionsSchema = z.object({
  seed: z.string().min(1),
  jobs: count(1).max(100_000),
  faults: count(0).max(10_000),
  minutes: z.coerce.number().positive(),
  settle: z.coerce.number().nonnegative(),
  cluster: z.boolean(),
  credits: z.boolean(),
  keys: z.boolean(),
  json: z.boolean(),
  folder: z.string().optional(),
});

const HELP = `npm run chaos -- [--seed S] [--jobs N] [--faults N] [--minutes LIMIT] [--cluster] [--credits] [--keys]
                 [--json] [--settle SECONDS] [--folder FOLDER]`;

/** Runs a whole grid as real processes, hurts it by a plan, and checks that nobody could tell. See docs/chaos.md. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    jobs: { type: 'string', default: '2000' },
    faults: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '15' },
    settle: { type: 'string', default: '240' },
    cluster: { type: 'boolean', default: false },
    credits: { type: 'boolean', default: false },
    keys: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    folder: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const parsed = optionsSchema.safeParse(values);
if (!parsed.success) {
  console.error(`${z.prettifyError(parsed.error)}\n${HELP}`);
  process.exit(2);
}
const { seed, settle, json, folder, ...options } = parsed.data;
const replay = `npm run chaos -- --seed ${seed} --jobs ${options.jobs} --faults ${options.faults}${options.cluster ? ' --cluster' : ''}${options.credits ? ' --credits' : ''}${options.keys ? ' --keys' : ''}`;
const startedAt = Date.now();
const say = (line: string) => {
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} ${line}\n`);
};
say(`seed ${seed}; again: ${replay}`);
const report = await runChaos({
  ...options,
  seed,
  settleMs: settle * 1_000,
  folder: folder ?? join(tmpdir(), `aipg-chaos-${seed}`),
  onProgress: say,
});
console.log(json ? JSON.stringify(report, undefined, 2) : renderReport(report));
say(`seed ${seed}; again: ${replay}`);
process.exitCode = report.problems.length > 0 ? 1 : 0;

import process from 'node:process';

/** `npm run bench` runs all of them; `npm run bench -- NAME` one. Each prints a table and fails on no number. */
const benchmarks: Record<string, () => Promise<() => Promise<void>>> = {
  'batch-memory': async () => (await import('./batch-memory.ts')).batchMemory,
  'batch-throughput': async () => (await import('./batch-throughput.ts')).batchThroughput,
  'credits-cost': async () => (await import('./credits-cost.ts')).creditsCost,
  'decode-step': async () => (await import('./decode-step.ts')).decodeStep,
  'grid-overhead': async () => (await import('./grid-overhead.ts')).gridOverhead,
  'jobs-per-second': async () => (await import('./jobs-per-second.ts')).jobsPerSecond,
  'ledger-verify': async () => (await import('./ledger-verify.ts')).ledgerVerify,
  'prompt-cache': async () => (await import('./prompt-cache.ts')).promptCache,
  'start-up': async () => (await import('./start-up.ts')).startUp,
  'top-load': async () => (await import('./top-load.ts')).topLoad,
  sampler: async () => (await import('./sampler.ts')).sampler,
};

const [, , name] = process.argv;
const chosen = name === undefined ? Object.keys(benchmarks) : [name];
for (const benchmark of chosen) {
  const load = benchmarks[benchmark];
  if (load === undefined) {
    console.error(`There is no benchmark ${benchmark}. These are: ${Object.keys(benchmarks).join(', ')}.`);
    process.exit(2);
  }
  await (await load())();
}

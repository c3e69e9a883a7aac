import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ChaosReport, runChaos } from '../../chaos/harness.ts';
import { makePlan } from '../../chaos/plan.ts';
import { renderReport } from '../../chaos/report.ts';
import { testSeed } from '../support/seed.ts';

const SIZE = { jobs: 150, faults: 12 };
const MINUTES = 3;

test('jobs survive what is done to their processes', { timeout: (MINUTES + 1) * 60_000 }, async () => {
  await expectNoProblem({ credits: false, keys: false });
});

test('and so do credits, where everybody has the rights of their key alone', {
  timeout: (MINUTES + 2) * 60_000,
}, async () => {
  const { credits, ends } = await expectNoProblem({ credits: true, keys: true });
  const cutShort = credits?.cutShort ?? 0;
  expect(cutShort).toBeLessThanOrEqual(ends.cancelled);
  expect(credits).toMatchObject({
    settled: ends.done + cutShort,
    refunded: ends.failed + ends.cancelled - cutShort,
    open: 0,
    lost: 0,
  });
  expect(credits?.paid).toBeGreaterThan(0);
});

async function expectNoProblem(how: { credits: boolean; keys: boolean }): Promise<ChaosReport> {
  const seed = String(testSeed());
  const folder = await mkdtemp(join(tmpdir(), `aipg-chaos-${seed}-`));
  const report = await runChaos({
    ...SIZE,
    seed,
    folder,
    ...how,
    minutes: MINUTES,
    cluster: false,
    // A director looks at accepted jobs half a minute after, and one that was killed is replaced after another.
    settleMs: 0,
    onProgress: () => undefined,
  });
  const again = `npm run chaos -- --seed ${seed} --jobs ${SIZE.jobs} --faults ${SIZE.faults}${how.credits ? ' --credits' : ''}${how.keys ? ' --keys' : ''}`;
  expect(report.problems, `${renderReport(report)}\nAgain: ${again}`).toEqual([]);
  const { done, failed, cancelled } = report.ends;
  expect(done + failed + cancelled).toBe(SIZE.jobs);
  expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBe(SIZE.faults);
  await rm(folder, { recursive: true, force: true });
  return report;
}

test('a plan follows from its seed', () => {
  const size = { jobs: 40, faults: 40 };
  expect(makePlan({ seed: '1', ...size })).toEqual(makePlan({ seed: '1', ...size }));
  expect(makePlan({ seed: '1', ...size }).faults).not.toEqual(makePlan({ seed: '2', ...size }).faults);
});

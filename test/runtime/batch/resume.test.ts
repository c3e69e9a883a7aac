import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DoneLines } from '../../../src/runtime/batch/done.ts';
import { lineJobId } from '../../../src/runtime/batch/job.ts';
import { readInput } from '../../../src/runtime/batch/lines.ts';
import { finishBatch, type OpenBatchOptions, openBatch } from '../../../src/runtime/batch/open.ts';
import { retriedFile } from '../../../src/runtime/batch/retry.ts';
import { runBatch } from '../../../src/runtime/batch/run.ts';
import { FileSink } from '../../../src/runtime/batch/sink.ts';
import { batchStateFile } from '../../../src/runtime/batch/state.ts';
import { createLocalGrid } from '../../../src/runtime/grids/local.ts';
import { AipgError } from '../../../src/runtime/protocol/errors.ts';
import { instantEngine } from '../../support/instant-engine.ts';

const LINES = 12;
/** Every fifth line is refused: errors are records like others. */
const INPUT = Array.from({ length: LINES }, (_, n) =>
  n % 5 === 3 ? `{"nothing":${n}}` : `"prompt ${n} ünï"`,
).join('\n');

let folder: string;
let input: string;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aipg-batch-'));
  input = join(folder, 'in.jsonl');
  output = join(folder, 'out.jsonl');
  await writeFile(input, INPUT);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Run extends Partial<OpenBatchOptions> {
  readonly inFlight?: number;
  readonly before?: (prompt: string) => Promise<void>;
}

/** What is changed, how, what is asked for then, and what the error says. */
type Change = readonly [string, () => Promise<void>, Run, RegExp];

/** Runs the batch of the folder to its end; returns how many lines it answered. */
async function run({ inFlight = 4, before, ...options }: Run = {}): Promise<number> {
  const { signal } = new AbortController();
  const opened = { input, output, defaults: {}, seed: undefined, ordered: true, resume: false, signal };
  const batch = await openBatch({ ...opened, ...options });
  await using grid = createLocalGrid(instantEngine({ slots: inFlight, ...(before && { before }) }));
  await using sink = await FileSink.open(batch.file ?? output);
  let answered = 0;
  await runBatch({
    ...batch,
    grid,
    sink,
    signal: options.signal ?? signal,
    lines: readInput(bytesOf(input)),
    modelOf: async () => undefined,
    inFlight: () => inFlight,
    onAnswered: () => {
      answered += 1;
    },
  });
  await finishBatch(batch, output, signal);
  return answered;
}

async function* bytesOf(file: string) {
  yield await readFile(file);
}

/** What was written, without what differs from run to run. */
function records(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => ({ ...(JSON.parse(line) as Record<string, unknown>), timings: undefined }));
}

/** Jobs that end in an order of their own: each waits for as many turns of the event loop as drawn for it. */
function shuffled(turns: fc.Stream<number>) {
  return async () => {
    const { value } = turns.next() as IteratorYieldResult<number>;
    for (let turn = 0; turn < value; turn++) await new Promise(setImmediate);
  };
}

describe('a batch that was stopped', () => {
  test('goes on from any byte of its output to the same output', async () => {
    await run({ seed: undefined });
    const whole = await readFile(output);
    const expected = records(whole.toString());
    expect(expected.map(({ index }) => index)).toEqual(upTo(LINES));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length),
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.nat(3)),
        async (cut, inFlight, turns) => {
          await writeFile(output, whole.subarray(0, cut));
          const left = LINES - records(whole.subarray(0, cut).toString()).length;
          expect(await run({ resume: true, inFlight, before: shuffled(turns) })).toBe(left);
          const after = await readFile(output);
          expect(records(after.toString())).toEqual(expected);
          const kept = whole.subarray(0, cut).lastIndexOf('\n') + 1;
          expect(after.subarray(0, kept)).toEqual(whole.subarray(0, kept));
        },
      ),
      {
        examples: [
          [0, 1, streamOfZeros()],
          [whole.length, 1, streamOfZeros()],
        ],
      },
    );
  });

  test('goes on from any byte of an unordered output without doing a line twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.infiniteStream(fc.nat(3)),
        async (share, turns) => {
          await rm(output, { force: true });
          await run({ ordered: false, before: shuffled(turns) });
          const whole = await readFile(output);
          await writeFile(output, whole.subarray(0, Math.floor(share * whole.length)));
          await run({ resume: true, before: shuffled(turns) });
          const byIndex = (text: string) =>
            records(text).sort((a, b) => (a['index'] as number) - (b['index'] as number));
          expect(byIndex((await readFile(output)).toString())).toEqual(byIndex(whole.toString()));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('that had not written anything starts, and one that is complete has nothing to do', async () => {
    expect(await run({ resume: true })).toBe(LINES);
    expect(await run({ resume: true })).toBe(0);
  });

  test('keeps the seed and the settings that it was started with', async () => {
    await run({ defaults: { temperature: 0.5 } });
    const whole = records(await readFile(output, 'utf8'));
    await writeFile(output, '');
    await run({ resume: true });
    expect(records(await readFile(output, 'utf8'))).toEqual(whole);
    expect(whole[0]).toMatchObject({ sampling: { temperature: 0.5 } });
  });

  test.for<Change>([
    ['another input', () => writeFile(input, `${INPUT} `), {}, /in\.jsonl is not the input/],
    ['another setting', async () => undefined, { defaults: { temperature: 1 } }, /another temperature/],
    ['another order', async () => undefined, { ordered: false }, /another order/],
    ['its state gone', () => rm(batchStateFile(output)), {}, /has no .*\.batch beside it/],
    ['its state spoilt', () => writeFile(batchStateFile(output), '{}'), {}, /is not the state of a batch/],
    ['a line taken out of its output', () => dropLine(1), {}, /line 2 is out of order/],
    ['a line of its output changed', () => writeFile(output, '{"text":"x"}\n'), {}, /line 1 is not a record/],
  ])('refuses to go on with %s, and leaves all as it is', async ([, change, options, message]) => {
    await run();
    await change();
    const before = await readFile(output);
    await expect(run({ resume: true, ...options })).rejects.toThrow(message);
    await expect(run({ resume: true, ...options })).rejects.toMatchObject({ code: 'usage' });
    expect(await readFile(output)).toEqual(before);
  });
});

/** The engine fails for every third prompt. */
async function failing(prompt: string) {
  if (Number(/\d+/.exec(prompt)?.[0]) % 3 === 1) throw new AipgError('internal', 'Out of order.');
}
const FAILING = [1, 4, 7, 10];
/** These fail whatever the engine does. */
const REFUSED = [3, 8];

function indicesOf(all: readonly Record<string, unknown>[], kind: 'text' | 'error') {
  return all.filter((each) => kind in each).map(({ index }) => index as number);
}

describe('lines that ended in an error', () => {
  test('are done again, once, in their places; the others stay as they are', async () => {
    await run({ before: failing });
    const before = await readFile(output, 'utf8');
    const failed = [...FAILING, ...REFUSED].toSorted((a, b) => a - b);
    expect(indicesOf(records(before), 'error')).toEqual(failed);
    const asked: string[] = [];
    const note = async (prompt: string) => void asked.push(prompt);
    expect(await run({ resume: true, retryErrors: true, before: note })).toBe(failed.length);
    expect(asked.toSorted()).toEqual(FAILING.map((n) => `prompt ${n} ünï`).toSorted());
    const after = await readFile(output, 'utf8');
    expect(records(after).map(({ index }) => index)).toEqual(upTo(LINES));
    expect(indicesOf(records(after), 'error')).toEqual(REFUSED);
    const kept = (text: string) => text.split('\n').filter((_, index) => !failed.includes(index));
    expect(kept(after)).toEqual(kept(before));
    await expect(stat(retriedFile(output))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.for([true, false])(
    'are done again, each once, wherever the retry is stopped or killed (ordered: %s)',
    async (ordered) => {
      const { seed } = JSON.parse(await stateText()) as { seed: OpenBatchOptions['seed'] };
      await rm(output);
      await run({ seed });
      const expected = records(await readFile(output, 'utf8'));
      const sorted = async () =>
        ordered
          ? records(await readFile(output, 'utf8'))
          : records(await readFile(output, 'utf8')).toSorted(
              (a, b) => Number(a['index']) - Number(b['index']),
            );
      await fc.assert(
        fc.asyncProperty(
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.integer({ min: 1, max: 12 }),
          fc.nat(60),
          fc.boolean(),
          fc.infiniteStream(fc.nat(3)),
          async (share, stopAt, cut, retryErrors, turns) => {
            await rm(output);
            await run({ seed, ordered, before: failing });
            const whole = await readFile(output);
            // Some lines had not been reached, some had ended in an error.
            await writeFile(output, whole.subarray(0, Math.floor(share * whole.length)));
            const reached = records(await readFile(output, 'utf8'));
            const stop = new AbortController();
            const reason = new AipgError('cancelled', 'Enough.');
            const wait = shuffled(turns);
            let started = 0;
            const stopping = async () => {
              started += 1;
              if (started === stopAt) stop.abort(reason);
              await wait();
            };
            const retry = { resume: true, ordered, retryErrors: true } as const;
            const stopped = await run({ ...retry, before: stopping, signal: stop.signal }).then(
              () => false,
              () => true,
            );
            if (stopped) {
              const retried = await readFile(retriedFile(output)).catch(() => undefined);
              // Without an error to do again, it goes on as any other.
              if (retried) expect(records(await readFile(output, 'utf8'))).toEqual(reached);
              const left = retried?.subarray(0, Math.max(0, retried.length - cut));
              if (retried) await writeFile(retriedFile(output), left ?? '');
              const done = records(left?.toString() ?? '').length;
              const good = indicesOf(reached, 'text').length;
              const answered = await run({ ...retry, retryErrors, before: wait });
              // Without --retry-errors, what the stopped retry has not come to stays an error.
              if (retryErrors && retried) expect(answered).toBe(LINES - good - done);
              if (!retryErrors) await run({ ...retry, before: wait });
            }
            expect(await sorted()).toEqual(expected);
            await expect(stat(retriedFile(output))).rejects.toMatchObject({ code: 'ENOENT' });
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  test('may have more time than before, and nothing else', async () => {
    await run({ defaults: { timeoutMs: 1_000 }, before: failing });
    const retry = { resume: true, retryErrors: true } as const;
    await expect(run({ resume: true, defaults: { timeoutMs: 2_000 } })).rejects.toThrow(/another timeoutMs/);
    await expect(run({ ...retry, defaults: { temperature: 1 } })).rejects.toThrow(/another temperature/);
    expect(await run({ ...retry, defaults: { timeoutMs: 2_000 } })).toBe(FAILING.length + REFUSED.length);
  });

  test('are done again by jobs of their own: those that failed have their result', () => {
    const lines = new DoneLines();
    lines.add(3);
    const ids = [undefined, { round: 1, lines }, { round: 2, lines }].flatMap((retry) =>
      [3, 4].map((index) => lineJobId({ batch: 'ab', retry }, index, 1)),
    );
    expect(new Set(ids.filter((_, n) => n % 2 === 0)).size).toBe(3);
    expect(new Set(ids.filter((_, n) => n % 2 === 1)).size).toBe(1);
  });
});

describe('a new batch', () => {
  test('does not write over what is there', async () => {
    await writeFile(output, 'precious');
    await expect(run()).rejects.toThrow(/is there already/);
    expect(await readFile(output, 'utf8')).toBe('precious');
  });

  test('keeps its state to its owner', async () => {
    await run();
    expect((await stat(batchStateFile(output))).mode & 0o777).toBe(0o600);
  });

  test('with a seed is the same batch each time; without one it is not', async () => {
    const texts = async (options: Run) => {
      await rm(output, { force: true });
      await run(options);
      return records(await readFile(output, 'utf8'));
    };
    const { seed } = JSON.parse(await stateText()) as { seed: OpenBatchOptions['seed'] };
    expect(await texts({ seed })).toEqual(await texts({ seed }));
    expect(await texts({})).not.toEqual(await texts({}));
  });

  test('stops where it is when it is told to, and whole records stay', async () => {
    const stop = new AbortController();
    const reason = new AipgError('cancelled', 'Enough.');
    let started = 0;
    const before = async () => {
      started += 1;
      if (started === 7) stop.abort(reason);
    };
    await expect(run({ signal: stop.signal, before, inFlight: 2 })).rejects.toBe(reason);
    const written = records(await readFile(output, 'utf8'));
    expect(written.length).toBeLessThan(LINES);
    expect(await run({ resume: true })).toBe(LINES - written.length);
  });
});

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

async function dropLine(place: number): Promise<void> {
  const lines = (await readFile(output, 'utf8')).split('\n');
  await writeFile(output, lines.toSpliced(place, 1).join('\n'));
}

async function stateText(): Promise<string> {
  await run();
  return await readFile(batchStateFile(output), 'utf8');
}

function streamOfZeros(): fc.Stream<number> {
  return fc.stream(
    (function* () {
      while (true) yield 0;
    })(),
  );
}

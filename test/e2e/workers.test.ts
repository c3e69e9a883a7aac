import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstOutput, Sandbox, type Served, type ServedWorker } from '../support/aipg.ts';
import { startTestBus } from '../support/bus-server.ts';
import { LONG_JOB, writeEndlessModel } from '../support/e2e-endless-model.ts';

let home: Sandbox;
let model: string;
/** What the long job answers when nothing gets in its way. */
let whole: string;

beforeAll(async () => {
  home = await Sandbox.create();
  model = await writeEndlessModel(home.home);
  whole = (await home.aipg(['gen', '-m', model, ...LONG_JOB])).stdout;
});
afterAll(() => home[Symbol.asyncDispose]());

/** A bus and a director of a test's own, and workers as it wants them. */
class TestGrid implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly url: string;
  readonly director: Served;

  private constructor(url: string, director: Served) {
    this.url = url;
    this.director = director;
  }

  static async start(): Promise<TestGrid> {
    const bus = await startTestBus();
    const grid = new TestGrid(bus.url, await home.startDirector(bus.url));
    grid.#parts.use(bus);
    grid.#parts.use(grid.director);
    return grid;
  }

  async startWorker(args: readonly string[] = []): Promise<ServedWorker> {
    return this.#parts.use(await home.startWorker(this.url, ['-m', model, ...args]));
  }

  submit(args: readonly string[], input?: string) {
    return home.aipg(['gen', '--grid', this.url, ...args], { input });
  }

  /** Starts two workers and the long job; resolves when one of them is in the middle of it. */
  async startLongJob() {
    const workers = await Promise.all([this.startWorker(['--name', 'a']), this.startWorker(['--name', 'b'])]);
    const run = this.submit(LONG_JOB);
    const leases = workers.map((worker) => worker.stderr.json(isLease).then(() => worker));
    // The other's ends without one when it never gets the job.
    for (const lease of leases) lease.catch(() => undefined);
    const [, holder] = await Promise.all([firstOutput(run), Promise.race(leases)]);
    const other = workers.find((worker) => worker !== holder) as ServedWorker;
    return { run, holder, other };
  }

  /** Ids of the workers that the grid knows. */
  async workersUp(): Promise<string[]> {
    const { stdout } = await home.aipg(['status', '--grid', this.url, '--json']);
    return (JSON.parse(stdout) as { workers: { worker: string }[] }).workers.map(({ worker }) => worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

const isLease = ({ msg }: Record<string, unknown>) => msg === 'job leased';

test('two workers share one queue: of 24 jobs submitted at once each is answered, and both did some', async () => {
  await using grid = await TestGrid.start();
  const workers = await Promise.all([grid.startWorker(['--slots', '2']), grid.startWorker(['--slots', '2'])]);
  const runs = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      grid.submit(['--json', '--raw', '-n', '100', '--seed', `${n}`, 'Once']),
    ),
  );
  const answers = runs.map(({ exitCode, stdout, stderr }) => {
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return JSON.parse(stdout) as { id: string; worker: string; tokens: { output: number } };
  });
  expect(new Set(answers.map(({ id }) => id)).size).toBe(24);
  expect(answers.every(({ tokens }) => tokens.output === 100)).toBe(true);
  expect(new Set(answers.map(({ worker }) => worker))).toEqual(new Set(workers.map(({ id }) => id)));
});

describe.concurrent('a worker in the middle of a job', () => {
  test('finishes it when told to stop, exits 0 and is gone from status', async () => {
    await using grid = await TestGrid.start();
    const { run, holder, other } = await grid.startLongJob();
    const { exitCode } = await holder.stop('SIGTERM');
    expect(exitCode).toBe(0);
    const { stdout, stderr } = await run;
    expect({ stdout, stderr }).toEqual({ stdout: whole, stderr: '' });
    expect(await grid.workersUp()).toEqual([other.id]);
    expect(other.stderr.all.join('\n')).not.toContain('job leased');
  });

  test('is killed: another finishes it, with the same bytes', async () => {
    await using grid = await TestGrid.start();
    const { run, holder, other } = await grid.startLongJob();
    const { signal } = await holder.stop('SIGKILL');
    expect(signal).toBe('SIGKILL');
    const { stdout, stderr, exitCode } = await run;
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: whole, stderr: '', exitCode: 0 });
    await other.stderr.json(isLease);
  });

  test('with --drain-timeout 0s gives it back, and another finishes it with the same bytes', async () => {
    await using grid = await TestGrid.start();
    const first = await grid.startWorker(['--drain-timeout', '0s']);
    const run = grid.submit(LONG_JOB);
    await firstOutput(run);
    const { exitCode } = await first.stop('SIGTERM');
    expect(exitCode).toBe(0);
    const second = await grid.startWorker();
    const { stdout, stderr } = await run;
    expect({ stdout, stderr }).toEqual({ stdout: whole, stderr: '' });
    await second.stderr.json(isLease);
  });

  test('gives it back on a second SIGINT', async () => {
    await using grid = await TestGrid.start();
    const first = await grid.startWorker();
    const run = grid.submit(LONG_JOB);
    await firstOutput(run);
    first.run.kill('SIGINT');
    await first.stderr.json(({ msg }) => msg === 'draining');
    const { exitCode } = await first.stop('SIGINT');
    expect(exitCode).toBe(0);
    await grid.startWorker();
    expect((await run).stdout).toBe(whole);
  });
});

describe.concurrent('a worker', () => {
  test('logs JSON lines that tell of each job by its id and never of what it says', async () => {
    await using grid = await TestGrid.start();
    const worker = await grid.startWorker();
    const prompt = 'The otter Quillon';
    const { stdout, stderr } = await grid.submit(['--json', '--raw', '-n', '40', '--seed', '1', prompt]);
    expect(stderr).toBe('');
    const { id, text } = JSON.parse(stdout) as { id: string; text: string };
    await worker.stop();
    await grid.director.stop();
    expect(worker.stdout.all).toEqual([]);
    for (const log of [worker.stderr.all, grid.director.stderr.all]) {
      for (const line of log) expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
      expect(log.join('\n')).toContain(id);
      for (const secret of ['Quillon', 'otter', text.slice(0, 20), text.slice(-20)]) {
        expect(log.join('\n')).not.toContain(secret);
      }
    }
  });

  test('tells the client of a job that it cannot do, and goes on', async () => {
    await using grid = await TestGrid.start();
    const worker = await grid.startWorker();
    const { exitCode, stdout, stderr } = await grid.submit([], 'word '.repeat(3_000));
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 2, stdout: '' });
    expect(await grid.workersUp()).toEqual([worker.id]);
    expect((await grid.submit(['--raw', '-n', '1', 'Once'])).exitCode).toBe(0);
  });
});

test('a worker tells where it stands', async () => {
  await using grid = await TestGrid.start();
  await grid.startWorker(['--region', 'eu-west']);
  const { stdout } = await home.aipg(['top', '--grid', grid.url, '--json', '--once']);
  expect(JSON.parse(stdout)).toMatchObject({ workers: [{ region: 'eu-west' }] });
  const refused = await home.aipg(['worker', '--grid', grid.url, '--region', 'EU West']);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
  expect(refused.stderr).toContain('"EU West" is no region.');
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMessages } from '../../../src/runtime/bus/read-messages.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { createBusGrid } from '../../../src/runtime/grids/bus.ts';
import type { JobEvent } from '../../../src/runtime/protocol/events.ts';
import { LOCAL_ACCOUNT } from '../../../src/runtime/protocol/ids.ts';
import { isChunk, rest, textOf, until } from '../../support/events.ts';
import { endlessJob, loadEndlessModel, TestGrid, textJob } from '../../support/grid.ts';
import { instantEngine } from '../../support/instant-engine.ts';
import { OpenGrid } from '../../support/open-grid.ts';

/** Words of a prompt, which the instant engine says again in its answer. */
const CANARY = 'the heron keeps 4711 pebbles';

/** Everything that goes over a bus while it listens, and what its streams keep, as one text. */
async function listen(grid: TestGrid | OpenGrid) {
  const store = await grid.store();
  const heard: string[] = [];
  store.connection.subscribe('>', {
    callback: (_, { subject, data, headers }) => {
      heard.push(`${subject} ${headers ?? ''} ${Buffer.from(data).toString('latin1')}`);
    },
  });
  await store.connection.flush();
  return async () => {
    await store.connection.flush();
    for await (const { config } of store.manager.streams.list()) {
      if (!config.allow_direct) continue;
      const stream = config.name;
      for await (const { data } of readMessages(store.connection, stream, { subject: '>' })) {
        heard.push(Buffer.from(data).toString('latin1'));
      }
    }
    return heard.join('\n');
  };
}

/** In the clear, and in the forms in which text hides in messages. */
function formsOf(text: string): string[] {
  const base64 = [0, 1, 2].map((shift) => Buffer.from(text).subarray(shift).toString('base64').slice(0, -4));
  return [text, ...base64, Buffer.from(text).toString('hex'), encodeURIComponent(text)];
}

describe('a sealed job', () => {
  let grid: TestGrid;

  beforeAll(async () => {
    grid = await TestGrid.start();
  });

  afterAll(() => grid[Symbol.asyncDispose]());

  test('is answered as any other, and nothing on the bus or in its streams or logs holds a word of it', async () => {
    const worker = await grid.worker(instantEngine({ slots: 1 }));
    const overheard = await listen(grid);
    const client = await grid.client();
    // In the clear the ear hears it, so it is no deaf one.
    const open = await (await client.submit(textJob('a plain heron'))).result();
    const spec = textJob(CANARY, { seed: 'a secret' });
    const sealed = await (await client.submit(spec, { sealed: true })).result();
    const everything = await overheard();
    expect(open).toMatchObject({ status: 'done', text: expect.stringContaining('a plain heron') });
    expect(everything).toContain('a plain heron');
    expect(sealed).toMatchObject({
      status: 'done',
      text: expect.stringContaining(CANARY),
      tokens: [7],
      outcome: { worker: worker.id, sealed: true },
    });
    for (const form of formsOf(CANARY)) expect(everything).not.toContain(form);
    for (const form of formsOf(CANARY)) expect(JSON.stringify(grid.lines)).not.toContain(form);
    // Nor the rest of its input: the seed would tell what the answer is to whoever guesses the prompt.
    expect(everything).not.toContain(spec.input.seed);
    await worker.drain();
  });

  test('can be read by nobody else of its account, now or later', async () => {
    const worker = await grid.worker(instantEngine({ slots: 1 }));
    const job = await (await grid.client()).submit(textJob(CANARY), { sealed: true });
    await job.result();
    const other = await grid.client();
    await expect(other.job(job.id).result()).rejects.toMatchObject({ code: 'not-permitted' });
    const view = await other.job(job.id).view();
    expect(view.output).toBeUndefined();
    expect(JSON.stringify(view)).not.toContain('heron');
    const ended = await other.ended(job.id);
    const read = async () => ended && (await rest(ended.events()[Symbol.asyncIterator]()));
    await expect(read()).rejects.toMatchObject({ code: 'not-permitted' });
    await worker.drain();
  });

  test('that is to be detached is refused', async () => {
    const client = await grid.client();
    await expect(client.submit(textJob(CANARY), { sealed: true, detach: true })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('only this process can hand its content'),
    });
  });

  test('that fails tells why to its client alone', async () => {
    const broken = await grid.worker({
      ...instantEngine({ slots: 1 }),
      // biome-ignore lint/correctness/useYield: it fails before its first chunk.
      async *generate() {
        throw new Error(`no room for ${CANARY}`);
      },
    });
    const overheard = await listen(grid);
    const result = await (await (await grid.client()).submit(textJob('x'), { sealed: true })).result();
    expect(result).toMatchObject({ status: 'failed', error: { code: 'job-failed' } });
    expect(JSON.stringify(result)).toContain(CANARY);
    for (const form of formsOf(CANARY)) expect(await overheard()).not.toContain(form);
    expect(JSON.stringify(grid.lines)).not.toContain(CANARY);
    await broken.drain();
  });
});

describe('when the worker of a sealed job is lost', () => {
  let grid: TestGrid;
  let model: LoadedModel;

  beforeAll(async () => {
    grid = await TestGrid.start();
    model = await loadEndlessModel(2);
  });

  afterAll(async () => {
    await grid[Symbol.asyncDispose]();
    await model[Symbol.asyncDispose]();
  });

  test('the client hands content and output so far to the next: one text, the undisturbed one, and still no word on the bus', async () => {
    const client = await grid.client();
    const connection = await grid.connect('first');
    const first = await grid.worker(model, 'first', connection);
    const undisturbed = await (await client.submit(endlessJob('sealed'))).result();
    const overheard = await listen(grid);
    const job = await client.submit(endlessJob('sealed'), { sealed: true });
    const events = job.events()[Symbol.asyncIterator]();
    const before = await until(events, (event) => isChunk(event) && textOf([event]).length > 0);
    await connection.close();
    const second = await grid.worker(model, 'second');
    const after: JobEvent[] = await rest(events);
    expect(after.at(-1)).toMatchObject({ type: 'done', outcome: { worker: second.id } });
    const text = textOf([...before, ...after]);
    expect(undisturbed).toMatchObject({ status: 'done', text });
    const { attempts } = await client.job(job.id).view();
    expect(attempts).toMatchObject([{ attempt: 1, worker: first.id, end: 'lost' }, { worker: second.id }]);
    // What the first had shown was not computed again.
    expect(attempts[0]?.newTokens).toBeGreaterThan(0);
    expect((attempts[0]?.newTokens ?? 0) + (attempts[1]?.newTokens ?? 0)).toBe(1_500);
    // Any piece of the answer that is long enough to be no chance.
    expect(await overheard()).not.toContain(text.slice(100, 120));
    await second.drain();
  });

  test('what the client missed while it was cut off is asked for, and opened', async () => {
    const worker = await grid.worker(model, 'third');
    const connection = await grid.connect('client');
    const client = createBusGrid({ name: 'test', connection, account: LOCAL_ACCOUNT });
    const undisturbed = await (await client.submit(endlessJob('cut'))).result();
    const job = await client.submit(endlessJob('cut'), { sealed: true });
    const events = job.events()[Symbol.asyncIterator]();
    const before = await until(events, (event) => isChunk(event));
    await connection.reconnect();
    const after = await rest(events);
    expect(undisturbed).toMatchObject({ status: 'done', text: textOf([...before, ...after]) });
    await worker.drain();
  });
});

describe('on a grid with keys', () => {
  test('a sealed job reaches its worker, and not even the operator reads it', async () => {
    await using grid = await OpenGrid.start();
    await grid.worker(instantEngine({ slots: 1 }), 'gpu');
    const overheard = await listen(grid);
    const result = await (
      await (await grid.client('ann')).submit(textJob(CANARY), { sealed: true })
    ).result();
    expect(result).toMatchObject({ status: 'done', text: expect.stringContaining(CANARY) });
    const everything = await overheard();
    for (const form of formsOf(CANARY)) expect(everything).not.toContain(form);
  });
});

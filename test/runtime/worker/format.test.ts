import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { createLocalGrid } from '../../../src/runtime/grids/local.ts';
import { checkFormat } from '../../../src/runtime/json-schema/check.ts';
import type { JobEvent } from '../../../src/runtime/protocol/events.ts';
import { type JobSpec, jobSpecSchema } from '../../../src/runtime/protocol/job.ts';
import { loadTinyModel, TestGrid, textJob } from '../../support/grid.ts';

const NUMBERS = {
  type: 'schema',
  schema: {
    type: 'array',
    items: { type: 'integer', minimum: 0, maximum: 99 },
    minItems: 200,
    maxItems: 250,
  },
} as const;

let grid: TestGrid;
let model: LoadedModel;

beforeAll(async () => {
  grid = await TestGrid.start();
  model = await loadTinyModel(2);
});

afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

function job(format: unknown): JobSpec {
  const free = textJob('Count.', { sampling: { temperature: 1.2 } });
  return jobSpecSchema.parse({ ...free, input: { ...free.input, maxTokens: 1_900, format } });
}

test('a job with a schema that changes workers in the middle is one whole JSON text, as from one worker', async () => {
  const first = await grid.worker(model, 'first');
  const client = await grid.client();
  const seen: JobEvent[] = [];
  let text = '';
  for await (const event of (await client.submit(job(NUMBERS))).events()) {
    seen.push(event);
    if (event.type !== 'chunk') continue;
    if (text === '') {
      await grid.worker(model, 'second');
      await first.drain({ timeoutMs: 0 });
    }
    text += event.text;
  }
  expect(seen.map(({ type }) => type)).toContain('retrying');
  expect(seen.at(-1)).toMatchObject({ type: 'done', attempt: 2, outcome: { sampler: 'grammar' } });
  expect(checkFormat(NUMBERS)(text)).toBeUndefined();
  const alone = await (await createLocalGrid(model).submit(job(NUMBERS))).result();
  expect(alone).toMatchObject({ status: 'done', text });
});

test('a job whose schema cannot be enforced fails at once, with the place in it', async () => {
  await grid.worker(model, 'third');
  const client = await grid.client();
  const result = await (
    await client.submit(job({ type: 'schema', schema: { items: { typo: 1 } } }))
  ).result();
  expect(result).toMatchObject({
    status: 'failed',
    error: { code: 'input-invalid', message: expect.stringContaining('"typo", at #/items') },
  });
});

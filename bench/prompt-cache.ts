import { resolvePaths } from '../src/runtime/config/paths.ts';
import type { LoadedModel } from '../src/runtime/engines/engine.ts';
import { createLlamaEngine } from '../src/runtime/engines/llama/engine.ts';
import { textInputSchema } from '../src/runtime/protocol/text.ts';
import { type BenchModel, benchModels } from './support/models.ts';
import { median, medianOfPairs, ratio } from './support/statistics.ts';
import { number, printTable } from './support/table.ts';

const ROUNDS = 12;
const TURNS = [4, 12, 32];
/** Time to the first token of a conversation's last turn in a slot that has read those before, against one that has not. */
export async function promptCache(): Promise<void> {
  await using bench = await benchModels();
  const rows: string[][] = [];
  for (const model of bench.models) rows.push(...(await measure(model)));
  printTable(
    `prompt-cache: one slot, one thread, medians of ${ROUNDS} interleaved rounds`,
    ['model', 'tokens of the prompt', 'all read ms', 'last turn read ms', 'paired'],
    rows,
  );
}

async function measure({ label, file, prompt, turn }: BenchModel): Promise<string[][]> {
  const options = { slots: 1, threads: 1, contextSize: 1_024, cacheDir: resolvePaths().cache };
  await using model = await createLlamaEngine().load(file, options);
  const rows: string[][] = [];
  for (const turns of TURNS) {
    const before = prompt + turn.repeat(turns - 1);
    const now = prompt + turn.repeat(turns);
    const all: number[] = [];
    const last: number[] = [];
    let promptTokens = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const whole = await firstToken(model, now);
      promptTokens = whole.promptTokens;
      all.push(whole.ms);
      const conversation = `round ${round}`;
      await firstToken(model, before, conversation);
      last.push((await firstToken(model, now, conversation)).ms);
    }
    rows.push([
      label,
      String(promptTokens),
      number(median(all)),
      number(median(last)),
      `× ${number(medianOfPairs(last, all, ratio))}`,
    ]);
  }
  return rows;
}

async function firstToken(model: LoadedModel, text: string, cacheScope?: string) {
  const input = textInputSchema.parse({
    prompt: { form: 'raw', text },
    seed: '0'.repeat(64),
    maxTokens: 1,
  });
  const startedAt = performance.now();
  let promptTokens = 0;
  for await (const { finish } of model.generate({ ...input, cacheScope })) {
    promptTokens = finish?.promptTokens ?? promptTokens;
  }
  return { ms: performance.now() - startedAt, promptTokens };
}

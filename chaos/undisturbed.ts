import { createLlamaEngine } from '../src/runtime/engines/llama/engine.ts';
import { createLocalGrid } from '../src/runtime/grids/local.ts';
import { newJobId } from '../src/runtime/protocol/ids.ts';
import { jobSpecSchema } from '../src/runtime/protocol/job.ts';
import type { ModelFile } from '../src/runtime/protocol/model.ts';
import type { Plan } from './plan.ts';

const SLOTS = 2;

/** What each question is answered with when nothing gets in the way: in this process, without a bus. */
export async function undisturbedTexts(plan: Plan, file: ModelFile, cacheDir: string): Promise<string[]> {
  const model = await createLlamaEngine().load(file, { slots: SLOTS, threads: 1, cacheDir });
  await using grid = createLocalGrid(model);
  const texts: string[] = [];
  const questions = plan.questions.entries();
  const lane = async () => {
    for (const [index, input] of questions) {
      const job = await grid.submit(jobSpecSchema.parse({ id: newJobId(), input }));
      const result = await job.result();
      if (result.status !== 'done') throw new Error(`Question ${index} has no answer: ${result.status}.`);
      texts[index] = result.text;
    }
  };
  await Promise.all(Array.from({ length: SLOTS }, lane));
  return texts;
}

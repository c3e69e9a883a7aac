import type { LoadedModel } from '../src/runtime/engines/engine.ts';
import { createLlamaEngine } from '../src/runtime/engines/llama/engine.ts';
import type { JobId } from '../src/runtime/protocol/ids.ts';
import type { ModelFile } from '../src/runtime/protocol/model.ts';
import type { TextInput } from '../src/runtime/protocol/text.ts';
import type { Plan } from './plan.ts';
import type { Ends } from './records.ts';

const SLOTS = 2;

export interface Answer {
  readonly text: string;
  readonly tokens: readonly number[];
}

/** What the engine answers when nothing gets in the way: in this process, without a bus. */
export class Undisturbed implements AsyncDisposable {
  readonly answers: readonly Answer[];
  readonly #model: LoadedModel;
  readonly #plan: Plan;

  private constructor(model: LoadedModel, plan: Plan, answers: readonly Answer[]) {
    this.#model = model;
    this.#plan = plan;
    this.answers = answers;
  }

  /** Answers each question of the plan. */
  static async compute(plan: Plan, file: ModelFile, cacheDir: string): Promise<Undisturbed> {
    const model = await createLlamaEngine().load(file, { slots: SLOTS, threads: 1, cacheDir });
    const answers: Answer[] = [];
    const left = plan.questions.entries();
    const lane = async () => {
      for (const [index, input] of left) answers[index] = await answer(model, input);
    };
    await Promise.all(Array.from({ length: SLOTS }, lane));
    return new Undisturbed(model, plan, answers);
  }

  /**
   * Jobs whose answer leaves the undisturbed one at a token where rounding decides, as it may beside other jobs (the
   * limit of the sampler in the design), and is from there on what the engine answers: by them, what it answers after
   * that token. A job that was resumed with anything lost, repeated or made up is not among them.
   */
  async rounded(ends: Ends): Promise<ReadonlySet<JobId>> {
    const rounded = new Set<JobId>();
    for (const { spec, question } of this.#plan.jobs) {
      const record = ends.records.get(spec.id);
      const expected = this.answers[question];
      if (record?.status !== 'done' || !expected || record.text === expected.text) continue;
      const at = record.tokens.findIndex((token, index) => token !== expected.tokens[index]);
      const before = record.tokens.slice(0, at + 1);
      const rest = await answer(this.#model, { ...spec.input, resumeFrom: before });
      if (String([...before, ...rest.tokens]) === String(record.tokens)) rounded.add(spec.id);
    }
    return rounded;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }
}

async function answer(
  model: LoadedModel,
  input: TextInput & { readonly resumeFrom?: readonly number[] },
): Promise<Answer> {
  let text = '';
  const tokens: number[] = [];
  for await (const chunk of model.generate(input, new AbortController().signal)) {
    text += chunk.text;
    tokens.push(...chunk.tokens);
  }
  return { text, tokens };
}

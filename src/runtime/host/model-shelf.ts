import type { MeasureModel } from '../director/rate-card.ts';
import { countByIds, type Finished, type TokenCounter } from '../director/token-counter.ts';
import { Vocabularies } from '../engines/llama/vocabularies.ts';
import { readHeaders } from '../models/facts-cache.ts';
import { type FindOptions, modelsBySha256 } from '../models/find-by-sha256.ts';
import type { LocatedModel } from '../models/located.ts';
import { ratesOf } from '../pricing/rates.ts';
import { tokenWork } from '../pricing/token-work.ts';
import type { Log } from '../protocol/log.ts';
import type { ModelFile, Sha256 } from '../protocol/model.ts';

/** How long it is believed which models this machine has, in milliseconds: one may be pulled at any time. */
const FRESH_MS = 60_000;
/** A longer prompt would hold up everything else for a second; it is counted by its size. In UTF-16 code units. */
const MOST_PROMPT = 1_048_576;

export interface ModelShelfOptions extends FindOptions {
  readonly log: Log;
  readonly now?: () => number;
}

/** The model files of this machine, for a director: what their tokens cost, and how many of them a text takes. */
export class ModelShelf implements AsyncDisposable {
  readonly #options: ModelShelfOptions;
  readonly #now: () => number;
  readonly #vocabularies: Vocabularies;
  #models: Promise<ReadonlyMap<Sha256, LocatedModel>> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ModelShelfOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#vocabularies = new Vocabularies(options.cacheDir);
  }

  /** The name and the rates of a file; `undefined` where this machine does not have it, or it is broken. */
  readonly measure: MeasureModel = async (sha256) => {
    const model = await this.#find(sha256);
    if (model === undefined) return undefined;
    try {
      const headers = await readHeaders(model.parts.map(({ path }) => path));
      return { name: model.name, rates: ratesOf(tokenWork(model.path, headers)) };
    } catch (error) {
      this.#warn(sha256, error);
      return undefined;
    }
  };

  /** Counts by the file's vocabulary, and by ids alone where that is not here. No worker gets more than it says itself. */
  readonly countTokens: TokenCounter = async (finished) => {
    const { input, modelSha256, inputTokens } = finished;
    const model = input && isShort(finished) ? await this.#find(modelSha256) : undefined;
    if (input === undefined || model === undefined) return countByIds(finished);
    const file: ModelFile = { name: model.name, path: model.path, sha256: modelSha256 };
    try {
      const counted = await this.#vocabularies.recount(file, { ...finished, input });
      if ('mismatch' in counted) return counted;
      const counts = { ...counted, inputTokens: Math.min(counted.inputTokens, inputTokens) };
      return { counts, counted: 'text' };
    } catch (error) {
      this.#warn(modelSha256, error);
      return countByIds(finished);
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vocabularies[Symbol.asyncDispose]();
  }

  async #find(sha256: Sha256): Promise<LocatedModel | undefined> {
    const found = await this.#models?.then((models) => models.get(sha256));
    if (found !== undefined || this.#now() - this.#lookedAt < FRESH_MS) return found;
    this.#lookedAt = this.#now();
    this.#models = modelsBySha256(this.#options);
    return (await this.#models).get(sha256);
  }

  #warn(modelSha256: Sha256, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.log.warn({ modelSha256, reason }, 'a model of this machine could not be read');
  }
}

function isShort({ input }: Finished): boolean {
  const prompt = input?.prompt;
  if (prompt?.form !== 'chat') return (prompt?.text.length ?? 0) <= MOST_PROMPT;
  return prompt.messages.reduce((sum, { content }) => sum + content.length, 0) <= MOST_PROMPT;
}

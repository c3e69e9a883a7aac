import type { ModelFacts, ModelFile } from '../protocol/model.ts';
import type { FinishReason, SamplerName, TextInput } from '../protocol/text.ts';

/** What computes inside a worker or in the client's own process. */
export interface Engine {
  readonly name: string;
  /** @throws AipgError `model-invalid` when the file is not a model that this engine can load. */
  load(model: ModelFile, options: LoadOptions, signal?: AbortSignal): Promise<LoadedModel>;
}

export interface LoadOptions {
  /** Places that generate side by side, 1 or more. */
  readonly slots: number;
  /** Context of each slot in tokens; default: the model's own, as far as memory allows. */
  readonly contextSize?: number;
  /** CPU threads; default: measured at load time and remembered in `cacheDir`. */
  readonly threads?: number;
  /** Where measurements of this machine are kept between runs. */
  readonly cacheDir: string;
  /** Called with the share loaded so far, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

export interface LoadedModel extends AsyncDisposable {
  readonly facts: ModelFacts;
  readonly slots: number;
  readonly threads: number;
  /**
   * Streams the output. The last chunk, and no other, carries `finish`. With more calls than slots, the rest wait.
   * @throws AipgError `context-exceeded` when the prompt does not fit; `input-invalid` for a format that cannot be
   * enforced; the signal's reason on abort, within one token.
   */
  generate(input: GenerateInput, signal?: AbortSignal): AsyncIterable<Chunk>;
}

export interface GenerateInput extends TextInput {
  /** Output tokens of an earlier attempt: go on after them as if they had been generated here. */
  readonly resumeFrom?: readonly number[];
  /**
   * In whose name: the beginning that a prompt shares with an earlier one of the same name need not be decoded again.
   * How soon a first token comes tells of it, so only who may know of each other's prompts share a name. Absent:
   * nothing is reused, and nothing is kept.
   */
  readonly cacheScope?: string | undefined;
}

/**
 * A piece of output. All chunks' texts joined are the output; all tokens joined are its token ids. Text that may
 * still turn into a stop string, or an unfinished character, is held back together with its tokens, so that after
 * any chunk the tokens so far stand for exactly the text so far. Only at a stop string do the last tokens hold more.
 */
export interface Chunk {
  readonly text: string;
  readonly tokens: readonly number[];
  /** Tokens of the prompt after the chat template, where the engine knows before the end. */
  readonly promptTokens?: number;
  readonly finish?: Finish;
}

export interface Finish {
  readonly reason: FinishReason;
  /** Tokens of the prompt after the chat template. */
  readonly promptTokens: number;
  /** Tokens generated, those of a stop string included, an end-of-turn token not. */
  readonly outputTokens: number;
  readonly sampler: SamplerName;
}

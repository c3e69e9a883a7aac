import { createHash } from 'node:crypto';
import type {
  LlamaContextSequence,
  LlamaGrammar,
  LlamaGrammarEvaluationState,
  LlamaModel,
  Token,
} from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { Format } from '../../protocol/format.ts';
import type { Sampling, Seed } from '../../protocol/text.ts';
import type { NodeLlamaCpp } from './backend.ts';
import { GrammarState } from './grammar-state.ts';
import { TokenBans } from './token-bans.ts';

/** Grammars kept for the next job of the same format. */
const MOST_KEPT = 64;
/** Tokens that the repeat penalty looks back on, as our own sampler does. */
const PENALTY_TOKENS = 64;

/** Chooses tokens under a grammar, by the engine's own sampler. */
export interface GrammarSampler {
  /** Takes in a token of an earlier attempt. @throws AipgError `job-failed` when it does not fit */
  accept(token: Token): void;
  /**
   * Decodes tokens and samples the one at an output position, which depends on the seed, the position and the tokens
   * so far alone.
   * @throws AipgError `job-failed` when no token of the model fits
   */
  next(
    sequence: LlamaContextSequence,
    tokens: readonly Token[],
    position: number,
    history: readonly Token[],
  ): Promise<Token>;
}

/** The grammars of a model's jobs, built once per format. */
export class Grammars {
  readonly #nodeLlamaCpp: NodeLlamaCpp;
  readonly #model: LlamaModel;
  readonly #kept = new Map<string, Promise<LlamaGrammar>>();
  #bans: TokenBans | undefined;

  constructor(nodeLlamaCpp: NodeLlamaCpp, model: LlamaModel) {
    this.#nodeLlamaCpp = nodeLlamaCpp;
    this.#model = model;
  }

  /** @throws AipgError `input-invalid` for a format that cannot be enforced */
  async sampler(format: Format, sampling: Sampling, seed: Seed): Promise<GrammarSampler> {
    const grammar = await this.#grammar(format);
    const native = new this.#nodeLlamaCpp.LlamaGrammarEvaluationState({ model: this.#model, grammar });
    const state = new GrammarState(this.#model, native);
    return {
      accept: (token) => state.accept(token),
      next: async (sequence, tokens, position, history) => {
        const options = this.#options(native, sampling, stepSeed(seed, position), history);
        try {
          for await (const token of sequence.evaluate([...tokens], options)) return token;
        } catch (cause) {
          throw nothingFits(cause);
        }
        throw nothingFits();
      },
    };
  }

  #grammar(format: Format): Promise<LlamaGrammar> {
    const key = JSON.stringify(format);
    const kept = this.#kept.get(key) ?? this.#create(format);
    // The one that was used longest ago goes first.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    kept.catch(() => this.#kept.delete(key));
    return kept;
  }

  async #create(format: Format): Promise<LlamaGrammar> {
    const { grammarOf } = await import('../../json-schema/grammar.ts');
    const grammar = grammarOf(format);
    try {
      return await this.#model.llama.createGrammar({ grammar });
    } catch (cause) {
      throw new AipgError('input-invalid', 'llama.cpp takes no grammar of this schema.', {
        hint: 'Make the schema simpler.',
        cause,
      });
    }
  }

  #options(
    grammarEvaluationState: LlamaGrammarEvaluationState,
    sampling: Sampling,
    seed: number,
    history: readonly Token[],
  ) {
    const { temperature, topK, topP, minP, repeatPenalty } = sampling;
    this.#bans ??= new TokenBans(this.#nodeLlamaCpp, this.#model);
    return {
      grammarEvaluationState,
      temperature,
      topK,
      topP,
      minP,
      seed,
      yieldEogToken: true,
      tokenBias: this.#bans.behind(history.at(-1)),
      ...(repeatPenalty === 1
        ? {}
        : { repeatPenalty: { penalty: repeatPenalty, punishTokens: history.slice(-PENALTY_TOKENS) } }),
    };
  }
}

/** 31 bits for one position: a second attempt that starts in the middle samples as the first would have. */
function stepSeed(seed: Seed, position: number): number {
  return createHash('sha256').update(`aipg grammar 1\n${seed}\n${position}`).digest().readUInt32BE() >>> 1;
}

function nothingFits(cause?: unknown): AipgError {
  return new AipgError('job-failed', 'The model has no token that goes on as the schema asks.', {
    hint: 'Try another model: the characters that the schema names may be missing from this one.',
    cause,
  });
}

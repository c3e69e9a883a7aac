import type { LlamaGrammarEvaluationState, LlamaModel, Token } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';

/**
 * How far an output has come in its grammar. The library moves it on for tokens that it samples; for tokens of an
 * earlier attempt there is only what it uses inside, checked here before it is called.
 */
export class GrammarState {
  readonly #native: unknown;
  readonly #sampler: NativeSampler;

  constructor(model: LlamaModel, state: LlamaGrammarEvaluationState) {
    this.#sampler = nativeSampler(model);
    this.#native = Reflect.get(state, '_state');
  }

  /** @throws AipgError `job-failed` for a token that the grammar has no place for */
  accept(token: Token): void {
    if (!this.#sampler.canBeNextTokenForGrammarEvaluationState(this.#native, token)) {
      throw new AipgError('job-failed', 'What an earlier attempt wrote does not fit the schema.');
    }
    this.#sampler.acceptGrammarEvaluationStateToken(this.#native, token);
  }
}

interface NativeSampler {
  canBeNextTokenForGrammarEvaluationState(state: unknown, token: Token): boolean;
  acceptGrammarEvaluationStateToken(state: unknown, token: Token): void;
}

function nativeSampler(model: LlamaModel): NativeSampler {
  const bindings: unknown = Reflect.get(model.llama, '_bindings');
  const sampler: unknown = bindings instanceof Object ? Reflect.get(bindings, 'AddonSampler') : undefined;
  if (isNativeSampler(sampler)) return sampler;
  throw new AipgError('internal', 'This release of node-llama-cpp moves no grammar on from outside.');
}

function isNativeSampler(value: unknown): value is NativeSampler {
  return (
    value instanceof Object &&
    typeof Reflect.get(value, 'canBeNextTokenForGrammarEvaluationState') === 'function' &&
    typeof Reflect.get(value, 'acceptGrammarEvaluationStateToken') === 'function'
  );
}

import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { FinishReason } from '../../protocol/text.ts';
import type { Chunk, GenerateInput } from '../engine.ts';
import { orAbort } from '../or-abort.ts';
import type { ChatTemplate } from './chat-template.ts';
import { chooseTokens } from './choose-token.ts';
import { prefill } from './decode.ts';
import { endTextsOf, endTokensOf } from './ends.ts';
import type { Grammars } from './grammars.ts';
import { unknownToken } from './known-tokens.ts';
import { join, Output } from './output.ts';
import { tokenizePrompt } from './prompt.ts';
import type { Slots } from './slots.ts';
import type { Piece } from './token-text.ts';

export interface Generation {
  readonly model: LlamaModel;
  readonly template: ChatTemplate;
  readonly slots: Slots;
  readonly grammars: Grammars;
  /** Tokens that prompt and output may have together. */
  readonly contextSize: number;
}

/**
 * Prompt tokens decoded between two looks at the signal: an aborted call ends at once, but its slot is only free when
 * the native call returns.
 */
const PREFILL_TOKENS = 128;

const NO_TEXT: Piece = { text: '', tokens: [] };

/** One generation, from waiting for a slot to the last chunk. */
export async function* generate(
  { model, template, slots, grammars, contextSize }: Generation,
  input: GenerateInput,
  signal: AbortSignal,
): AsyncGenerator<Chunk, void, undefined> {
  signal.throwIfAborted();
  const prompt = tokenizePrompt(input.prompt, model, template, contextSize, input.outputRoom);
  const endTokens = endTokensOf(input, template);
  const chooser = await chooseTokens(input, grammars);
  const stops = [...input.stop, ...endTextsOf(input, template)];
  const output = new Output(model, prompt, stops);
  /** No text can end the output, so that the next token is decoded while this one becomes text. */
  const goesOn = stops.length === 0 && chooser.completes === undefined;
  const most = Math.min(input.maxTokens, contextSize - prompt.length);
  const history = [...prompt];
  const finish = (reason: FinishReason, rest: Piece): Chunk => ({
    ...rest,
    finish: {
      reason,
      promptTokens: prompt.length,
      outputTokens: history.length - prompt.length,
      sampler: chooser.sampler,
    },
  });

  // An earlier attempt has shown these; replaying them rebuilds what it held back.
  const resumed = (input.resumeFrom ?? []) as readonly Token[];
  const unknown = unknownToken(model, resumed);
  if (unknown !== undefined) {
    throw new AipgError(
      'internal',
      `An earlier attempt has shown token ${unknown}, which the model does not have.`,
    );
  }
  for (const token of resumed) {
    if (history.length - prompt.length === most) break;
    history.push(token);
    chooser.accept(token);
    const passed = output.push(token);
    if (passed.stopped || chooser.completes?.(passed.text)) return yield finish('stop', NO_TEXT);
  }
  if (history.length - prompt.length === most) return yield finish('length', output.flush());

  const slot = await slots.acquire({ tokens: history, cacheScope: input.cacheScope }, signal);
  const { sequence } = slot;
  let work: Promise<unknown> = Promise.resolve();
  let isFree = false;
  const release = () => {
    if (isFree) return;
    isFree = true;
    const ended = work.finally(() => chooser[Symbol.asyncDispose]());
    slots.release(slot, ended);
  };
  /** The others do not wait for what is done with the end. */
  const end = async (reason: FinishReason, rest: Piece): Promise<Chunk> => {
    release();
    await slots.rounds.computing();
    return finish(reason, rest);
  };
  const run = <T>(step: () => Promise<T>): Promise<T> => {
    const started = slots.rounds.step(step);
    work = slots.track(started);
    return started;
  };
  try {
    const last = await prefillAllButLast(sequence, history, (step) => orAbort(run(step), signal));
    const choose = (tokens: readonly Token[]) =>
      run(() => chooser.next(sequence, tokens, history.length - prompt.length, history));
    let chosen = choose(last);
    while (true) {
      const token = await orAbort(chosen, signal);
      if (model.isEogToken(token) || endTokens.has(token)) return yield await end('stop', output.flush());
      history.push(token);
      const isLast = history.length - prompt.length === most;
      if (goesOn && !isLast) {
        chosen = choose([token]);
        await slots.rounds.computing();
      }
      const passed = output.push(token);
      if (passed.stopped || chooser.completes?.(passed.text))
        return yield await end('stop', { text: passed.text, tokens: passed.tokens });
      if (isLast) return yield await end('length', join(passed, output.flush()));
      if (!goesOn) {
        chosen = choose([token]);
        if (passed.tokens.length > 0) await slots.rounds.computing();
      }
      if (passed.tokens.length === 0) continue;
      // Whoever has stopped it may not ask for more, and its sequence is to be free.
      signal.throwIfAborted();
      yield { text: passed.text, tokens: passed.tokens, promptTokens: prompt.length };
      signal.throwIfAborted();
    }
  } finally {
    release();
  }
}

/** Decodes all tokens that the sequence does not hold yet but the last few, and returns those. */
async function prefillAllButLast(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  run: (step: () => Promise<void>) => Promise<void>,
): Promise<readonly Token[]> {
  let start = sequence.nextTokenIndex;
  for (; start + PREFILL_TOKENS < tokens.length; start += PREFILL_TOKENS) {
    await run(() => prefill(sequence, tokens.slice(start, start + PREFILL_TOKENS)));
  }
  return tokens.slice(start);
}

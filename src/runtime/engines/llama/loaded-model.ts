import type { LlamaContext, LlamaModel } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { ModelFacts } from '../../protocol/model.ts';
import type { LoadedModel } from '../engine.ts';
import type { ChatTemplate } from './chat-template.ts';
import { generate } from './generate.ts';
import type { Grammars } from './grammars.ts';
import { Slots } from './slots.ts';

export interface Parts {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly template: ChatTemplate;
  readonly grammars: Grammars;
  readonly facts: ModelFacts;
  readonly slots: number;
}

/** Owns a model and its context from here on, until it is disposed. */
export function loadedModel({ model, context, template, grammars, facts, slots: count }: Parts): LoadedModel {
  const slots = new Slots(context, count);
  const unload = new AbortController();
  let disposed: Promise<void> | undefined;
  const dispose = async () => {
    unload.abort(new AipgError('cancelled', `The model ${facts.name} was unloaded.`));
    await slots.idle();
    await context.dispose();
    await model.dispose();
  };
  return {
    facts,
    slots: count,
    threads: context.currentThreads,
    generate(input, signal) {
      const either = signal === undefined ? unload.signal : AbortSignal.any([signal, unload.signal]);
      return generate({ model, template, slots, grammars, contextSize: facts.contextSize }, input, either);
    },
    [Symbol.asyncDispose]() {
      disposed ??= dispose();
      return disposed;
    },
  };
}

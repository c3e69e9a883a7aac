import type { LoadedModel } from '../../src/runtime/engines/engine.ts';

export interface FaultyModel extends LoadedModel {
  /** From now on this many calls fail. */
  failures: number;
  calls: number;
}

/** A real model on which a test can make calls fail, as a broken engine does. The model stays the caller's. */
export function faultyModel(model: LoadedModel, failures: number): FaultyModel {
  const faulty: FaultyModel = {
    facts: model.facts,
    slots: model.slots,
    threads: model.threads,
    failures,
    calls: 0,
    generate(input, signal) {
      faulty.calls += 1;
      if (faulty.failures === 0) return model.generate(input, signal);
      faulty.failures -= 1;
      // biome-ignore lint/correctness/useYield: it fails before the first chunk
      return (async function* () {
        throw new Error('out of memory');
      })();
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return faulty;
}

import type { LoadedModel } from '../../src/runtime/engines/engine.ts';
import { instantEngine } from './instant-engine.ts';

/** An engine that answers at once, and in whose name it was asked each time. */
export function scopeRecorder(): { readonly engine: LoadedModel; readonly scopes: (string | undefined)[] } {
  const instant = instantEngine({ slots: 1 });
  const scopes: (string | undefined)[] = [];
  const engine: LoadedModel = {
    ...instant,
    generate: (input, signal) => {
      scopes.push(input.cacheScope);
      return instant.generate(input, signal);
    },
  };
  return { engine, scopes };
}

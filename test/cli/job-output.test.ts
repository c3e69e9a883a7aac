import { expect, test } from 'vitest';
import { followJob } from '../../src/cli/job-output.ts';
import type { JobHandle } from '../../src/runtime/grids/grid.ts';
import { newJobId } from '../../src/runtime/protocol/ids.ts';
import { modelNameSchema } from '../../src/runtime/protocol/model.ts';

test('a job whose reader stops in the middle of an event lets go of what it holds', async () => {
  const model = modelNameSchema.parse('tiny');
  const [asked, event, closed] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [
    PromiseWithResolvers<void>,
    PromiseWithResolvers<void>,
    PromiseWithResolvers<void>,
  ];
  const job = {
    id: newJobId(),
    events: async function* () {
      try {
        asked.resolve();
        await event.promise;
        yield { type: 'accepted', model } as const;
        yield { type: 'accepted', model } as const;
      } finally {
        closed.resolve();
      }
    },
    cancel: async () => true,
  } as unknown as JobHandle;
  const stop = new AbortController();
  const following = followJob(job, () => undefined, stop.signal, {});
  await asked.promise;
  stop.abort(new Error('stopped'));
  await expect(following).rejects.toThrow('stopped');
  event.resolve();
  await closed.promise;
});

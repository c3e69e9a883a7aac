import { describe, expect, test } from 'vitest';
import { describeFit, describeUnknownGpu, memoryJson, shortFit } from '../../src/cli/model-output.ts';
import { fitOf, type MachineMemory } from '../../src/runtime/models/machine-room.ts';

const GB = 1e9;
const MEMORY = { totalBytes: 32 * GB, availableBytes: 20 * GB };
const GPU = { names: ['H200'], totalBytes: 16 * GB, usableBytes: 15 * GB, unifiedBytes: 0 };

function here(needed: number, gpu: MachineMemory['gpu']) {
  const machine = { ...MEMORY, gpu };
  return { ...fitOf(needed * GB, machine), machine };
}

describe('whether a model fits is said in words', () => {
  test.for([
    [1, null, 'in memory', 'fits in memory: 20.0 GB of 32.0 GB are free'],
    [25, null, 'barely', 'fits only when other programs give memory back: 20.0 GB of 32.0 GB are free'],
    [40, null, 'no', 'does not fit in memory: this machine has 32.0 GB'],
    [1, GPU, 'on GPU', 'fits on the GPU, which has 16.0 GB'],
    [
      25,
      GPU,
      'partly on GPU',
      'fits partly on the GPU, which has 16.0 GB; the rest in memory: 20.0 GB of 32.0 GB are free',
    ],
    [
      40,
      GPU,
      'barely',
      'fits only when other programs give memory back: 20.0 GB of 32.0 GB are free, even with the 16.0 GB of the GPU',
    ],
    [50, GPU, 'no', 'does not fit in memory: this machine has 32.0 GB, its GPU 16.0 GB'],
    [
      1,
      { ...GPU, unifiedBytes: 16 * GB },
      'on GPU',
      'fits on the GPU, which has 16.0 GB; 20.0 GB of 32.0 GB are free',
    ],
    [40, { ...GPU, unifiedBytes: 16 * GB }, 'no', 'does not fit in memory: this machine has 32.0 GB'],
  ] as const)('%s GB with a GPU of %j: %s', ([needed, gpu, short, long]) => {
    const fit = here(needed, gpu);
    expect([shortFit(fit), describeFit(fit)]).toEqual([short, long]);
    expect(describeUnknownGpu(fit)).toBeUndefined();
  });

  test('and where no engine has looked for a GPU yet, that too', () => {
    expect(describeUnknownGpu(here(1, undefined))).toBe(
      'A GPU is not counted: aipg doctor looks whether there is one',
    );
    expect(describeUnknownGpu(here(40, undefined))).toMatch(/^A GPU may have room: /);
  });

  test('in JSON, a GPU that is not there and one that nobody has looked for are told apart', () => {
    const estimate = {
      contextSize: 1,
      slots: 1,
      weightsBytes: 1,
      contextBytes: 1,
      computeBytes: 1,
      totalBytes: 3,
    };
    const json = (gpu: MachineMemory['gpu']) => memoryJson({ ...estimate, ...here(1, gpu) }).machine;
    expect(json(undefined)).toEqual({ ...MEMORY, gpu: null, isGpuKnown: false });
    expect(json(null)).toEqual({ ...MEMORY, gpu: null, isGpuKnown: true });
    expect(json(GPU)).toEqual({ ...MEMORY, gpu: GPU, isGpuKnown: true });
  });
});

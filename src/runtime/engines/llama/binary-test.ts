import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { readCache, writeCache } from '../../cache/json-cache.ts';
import { machineFingerprint } from '../../cache/machine.ts';

const passedSchema = z.object({ passed: z.array(z.string()).max(16) });

/** The module of node-llama-cpp that starts a second Node to try a prebuilt binary before it is loaded. */
const TEST_MODULE = /\/node-llama-cpp\/dist\/bindings\/utils\/testBindingBinary\.js$/;

/**
 * Spares a process the trial of llama.cpp's binary for the CPU, a third of a second, where this machine has passed it
 * before with the same release of node-llama-cpp. To be in place while the library is imported; where Node has no such
 * hook or the library no such module, the trial takes place.
 */
export async function skipPassedTest(release: string, cacheDir: string): Promise<Disposable> {
  const known = await readCache(fileIn(cacheDir), passedSchema);
  if (
    !known?.passed.includes(machineFingerprint(release)) ||
    typeof nodeModule.registerHooks !== 'function'
  ) {
    return { [Symbol.dispose]: () => undefined };
  }
  const hooks = nodeModule.registerHooks({
    load: (url, context, next) =>
      TEST_MODULE.test(url)
        ? { format: 'module', source: passingOnCpu(url), shortCircuit: true }
        : next(url, context),
  });
  return { [Symbol.dispose]: () => hooks.deregister() };
}

/** The test module with one way out in front: binaries for a GPU are tried as ever. */
function passingOnCpu(url: string): string {
  return `
    import { testBindingBinary as test } from ${JSON.stringify(`${url}?untouched`)};
    export async function testBindingBinary(path, backends, gpu, ...rest) {
      return gpu === false || test(path, backends, gpu, ...rest);
    }`;
}

/** Remembers that the binary for the CPU was loaded on this machine. */
export async function rememberPassedTest(release: string, cacheDir: string): Promise<void> {
  const known = await readCache(fileIn(cacheDir), passedSchema);
  const machine = machineFingerprint(release);
  if (known?.passed.includes(machine)) return;
  await writeCache(fileIn(cacheDir), { passed: [...(known?.passed ?? []).slice(-15), machine] });
}

function fileIn(cacheDir: string): string {
  return join(cacheDir, 'llama-binary.json');
}

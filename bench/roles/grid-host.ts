import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { Director } from '../../src/runtime/director/director.ts';
import { createLlamaEngine } from '../../src/runtime/engines/llama/engine.ts';
import type { ModelFile } from '../../src/runtime/protocol/model.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { playRole } from '../support/role.ts';

const [, , url = '', file = '', cacheDir = ''] = argv;

/** A director and a worker in one process, as in `aipg up`. */
await playRole(async () => {
  const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
  const connection = await connectBus({ url, name: 'bench host' });
  const director = await Director.start({ connection, version: '0.0.0', log });
  const model = await createLlamaEngine().load(JSON.parse(file) as ModelFile, {
    slots: 1,
    threads: 1,
    cacheDir,
  });
  const identity = identityOf(connection, 'bench');
  const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log });
  return {
    stop: async () => {
      await worker.drain();
      await director[Symbol.asyncDispose]();
      await connection.close();
      await model[Symbol.asyncDispose]();
    },
  };
});

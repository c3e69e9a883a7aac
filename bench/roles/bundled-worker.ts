import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import { resolvePaths } from '../../src/runtime/config/paths.ts';
import { createLlamaEngine } from '../../src/runtime/engines/llama/engine.ts';
import { bundledModel } from '../../src/runtime/models/bundled.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { playRole } from '../support/role.ts';
import { connectRole } from '../support/role-connection.ts';

const [, , url = '', slots = '1', keyFile] = argv;

/** A worker that computes, with the bundled model. */
await playRole(async () => {
  const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
  const connection = await connectRole(url, 'bench worker', keyFile);
  const model = await createLlamaEngine().load(bundledModel(), {
    slots: Number(slots),
    threads: 1,
    cacheDir: resolvePaths().cache,
  });
  const identity = identityOf(connection, 'bench');
  const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log });
  return {
    stop: async () => {
      await worker.drain();
      await connection.close();
      await model[Symbol.asyncDispose]();
    },
  };
});

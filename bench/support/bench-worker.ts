import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import type { LoadedModel } from '../../src/runtime/engines/engine.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { playRole } from './role.ts';
import { connectRole } from './role-connection.ts';

/** Plays a worker: of the arguments the bus, the slots, and a key if it needs one. */
export async function playWorker(load: (slots: number) => Promise<LoadedModel>): Promise<void> {
  const [, , url = '', slots = '1', keyFile] = argv;
  await playRole(async () => {
    const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
    const connection = await connectRole(url, 'bench worker', keyFile);
    const model = await load(Number(slots));
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
}

import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { instantModel } from '../support/instant-model.ts';
import { playRole } from '../support/role.ts';
import { connectRole } from '../support/role-connection.ts';

const [, , url = '', slots = '1', keyFile] = argv;

await playRole(async () => {
  const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
  const connection = await connectRole(url, 'bench worker', keyFile);
  const model = instantModel(Number(slots));
  const identity = identityOf(connection, 'bench');
  const worker = await Worker.start({ connection, identity, version: '0.0.0', model, log });
  return {
    stop: async () => {
      await worker.drain();
      await connection.close();
    },
  };
});

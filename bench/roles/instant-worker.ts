import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { identityOf } from '../../src/runtime/worker/identity.ts';
import { Worker } from '../../src/runtime/worker/worker.ts';
import { instantModel } from '../support/instant-model.ts';
import { playRole } from '../support/role.ts';

const [, , url = '', slots = '1'] = argv;

await playRole(async () => {
  const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
  const connection = await connectBus({ url, name: 'bench worker' });
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

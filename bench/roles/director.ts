import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { Director } from '../../src/runtime/director/director.ts';
import { playRole } from '../support/role.ts';

const [, , url = ''] = argv;

await playRole(async () => {
  const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
  const connection = await connectBus({ url, name: 'bench director' });
  const director = await Director.start({ connection, version: '0.0.0', log });
  return {
    stop: async () => {
      await director[Symbol.asyncDispose]();
      await connection.close();
    },
  };
});

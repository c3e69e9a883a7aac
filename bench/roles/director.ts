import { argv } from 'node:process';
import { openLog } from '../../src/cli/log.ts';
import { Director } from '../../src/runtime/director/director.ts';
import { playRole } from '../support/role.ts';
import { connectRole } from '../support/role-connection.ts';

const [, , url = '', credits, keyFile] = argv;

await playRole(async () => {
  const log = await openLog({ 'log-format': 'json', 'log-level': 'info' });
  const connection = await connectRole(url, 'bench director', keyFile);
  const director = await Director.start({
    connection,
    version: '0.0.0',
    log,
    credits: credits === 'credits',
  });
  return {
    stop: async () => {
      await director[Symbol.asyncDispose]();
      await connection.close();
    },
  };
});

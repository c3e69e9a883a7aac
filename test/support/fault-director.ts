import { argv, env } from 'node:process';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { Director } from '../../src/runtime/director/director.ts';
import { parseCredentials } from '../../src/runtime/protocol/credentials.ts';
import { silentLog } from '../../src/runtime/protocol/log.ts';
import { QUICK } from './quick-times.ts';

const [, , url = ''] = argv;

// A director in a process of its own, which kills itself at the fault point that its environment names.
const { AIPG_CREDENTIALS: key } = env;
const credentials = key === undefined ? undefined : parseCredentials(key);
const connection = await connectBus({ url, name: 'fault director', credentials });
await Director.start({ connection, version: '0.0.0', log: silentLog, credits: true, ...QUICK });
console.log('ready');

/** Run by tests as a process of its own: starts a server, says what it is on stdout, and waits to be killed. */
import process from 'node:process';
import { startBusServer } from '../../../../src/runtime/bus/server/start.ts';

const [path = '', dataDir = '', logFile = ''] = process.argv.slice(2);
process.on('SIGINT', () => process.stdout.write('interrupted\n'));
const server = { path, version: '0.0.0', source: 'env' } as const;
const { url, pid } = await startBusServer({ server, dataDir, logFile });
process.stdout.write(`${JSON.stringify({ url, pid })}\n`);

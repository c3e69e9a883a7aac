import { parentPort } from 'node:worker_threads';
import { checkBlock } from './check-block.ts';

/** A thread that checks blocks and answers each in its turn: see `CheckThreads`. */
parentPort?.on('message', (block: Uint8Array) => parentPort?.postMessage(checkBlock(block)));

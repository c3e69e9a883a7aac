import process from 'node:process';
import { resolvePaths } from '../../src/runtime/config/paths.ts';
import { openHistory } from '../../src/runtime/history/history.ts';
import { answered } from '../runtime/history/support.ts';

/** Writes jobs to the log of its home, the number of each in its prompt, until it is killed. */
using history = await openHistory(resolvePaths());
for (let number = 0; ; number++) {
  history.add(answered(`job number ${number}`, 'An answer of some length. '.repeat(400)));
  process.stdout.write(`${number}\n`);
}

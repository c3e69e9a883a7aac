import { argv } from 'node:process';
import { run } from '@oclif/core';
import { reportError } from './report-error.ts';

await run(argv.slice(2), import.meta.url).catch((error: unknown) => {
  reportError(error, { json: argv.includes('--json'), debug: argv.includes('--debug') });
});

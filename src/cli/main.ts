import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Interfaces, run } from '@oclif/core';
import { endWithError } from './report-error.ts';
import { type Manifest, rootPlugin } from './root-plugin.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pjson = readJson<Interfaces.PJSON>('package.json');
const plugin = rootPlugin({
  root,
  pjson,
  manifest: readJson<Manifest>('oclif.manifest.json'),
  importCommand: (path) => import(`../../${path}`),
});

await run(argv.slice(2), { root, pjson, plugins: new Map([[plugin.name, plugin]]) }).catch(
  (error: unknown) => {
    endWithError(error, { json: argv.includes('--json'), debug: argv.includes('--debug') });
  },
);

/** Of our own package, so what it holds is known. */
function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(`${root}/${file}`, 'utf8')) as T;
}

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

/** Which part may import which; a part may always import itself. `docs/architecture.md` shows the same table. */
const ALLOWED: Record<string, readonly string[]> = {
  commands: [
    'cli',
    'config',
    'protocol',
    'bus',
    'models',
    'engines',
    'worker',
    'director',
    'monitor',
    'grids',
    'host',
    'identity',
    'ledger',
    'history',
    'doctor',
    'templates',
    'json-schema',
    'demo',
  ],
  cli: [
    'config',
    'protocol',
    'identity',
    'ledger',
    'models',
    'pricing',
    'grids',
    'host',
    'director',
    'history',
    'batch',
    'templates',
    'json-schema',
    'monitor',
    'tui',
  ],
  tui: ['host', 'monitor'],
  doctor: ['config', 'protocol', 'bus', 'models', 'engines', 'monitor'],
  host: ['config', 'protocol', 'bus', 'identity', 'models', 'pricing', 'engines', 'worker', 'director'],
  demo: ['config', 'protocol', 'bus', 'models', 'engines', 'worker', 'director', 'grids', 'host'],
  batch: ['protocol', 'models', 'grids', 'json-schema'],
  grids: ['config', 'protocol', 'bus', 'ledger', 'models', 'engines'],
  worker: ['protocol', 'bus', 'models', 'engines'],
  director: ['protocol', 'bus', 'ledger', 'yaml'],
  monitor: ['protocol', 'bus', 'ledger'],
  ledger: ['protocol'],
  bus: ['protocol', 'ledger'],
  pricing: ['protocol', 'models'],
  engines: ['protocol', 'json-schema', 'gguf', 'cache'],
  'json-schema': ['protocol'],
  templates: ['protocol', 'config', 'models', 'yaml'],
  models: ['protocol', 'config', 'gguf', 'cache'],
  history: ['protocol', 'config'],
  identity: ['config', 'protocol'],
  config: ['protocol'],
  cache: [],
  yaml: [],
  gguf: [],
  protocol: [],
};

const SHOWN_ONLY_OUTSIDE_RUNTIME = /^(@oclif\/core|oclif|ink|react)(\/|$)/;

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const files = globSync('src/**/*.{ts,tsx}');
const imports = files.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, to = '']): Import => {
      const target = to.startsWith('.') ? partOf(relative('.', join(dirname(file), to))) : to;
      return { file, from: partOf(file), to: target };
    },
  ),
);

/** `src/runtime/bus/connect.ts` is of part `bus`, `src/cli/log.ts` of part `cli`. */
function partOf(file: string): string {
  const [, area = '', part = ''] = file.split('/');
  return area === 'runtime' ? part : area;
}

test('there are imports to look at', () => {
  expect(imports.length).toBeGreaterThan(100);
});

test('every part is in the table', () => {
  expect([...new Set(files.map(partOf))].filter((part) => !(part in ALLOWED))).toEqual([]);
});

test('parts import only what the table allows', () => {
  const wrong = imports.filter(
    ({ from, to }) => to in ALLOWED && to !== from && !ALLOWED[from]?.includes(to),
  );
  expect(wrong).toEqual([]);
});

test('the runtime knows neither oclif nor ink', () => {
  const wrong = imports.filter(
    ({ file, to }) => file.startsWith('src/runtime/') && SHOWN_ONLY_OUTSIDE_RUNTIME.test(to),
  );
  expect(wrong).toEqual([]);
});

test('the table has no way back', () => {
  const reaches = (part: string, seen = new Set<string>()): Set<string> => {
    for (const next of ALLOWED[part] ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      reaches(next, seen);
    }
    return seen;
  };
  expect(Object.keys(ALLOWED).filter((part) => reaches(part).has(part))).toEqual([]);
});

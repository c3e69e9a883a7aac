#!/usr/bin/env node
// `getBuiltinModule` and not `import`, for an import of a module of Node's own reads its every export: 4 ms for `fs`.
const { readFileSync } = process.getBuiltinModule('node:fs');

if (process.argv[2] === '--version') {
  // What oclif would print, without loading it.
  const { name, version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
} else {
  process.getBuiltinModule('node:module').enableCompileCache();
  await import(process.argv[2] === '__complete' ? '../dist/cli/complete.js' : '../dist/cli/main.js');
}

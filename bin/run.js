#!/usr/bin/env node
// `getBuiltinModule` and not `import`, for an import of a module of Node's own reads its every export: 4 ms for `fs`.
const builtin = process.getBuiltinModule;

if (Number.parseInt(process.versions.node, 10) < 22) {
  process.stderr.write(`error: aipg needs Node 22 or newer; ${process.execPath} is Node ${process.versions.node}.
Install a newer one (https://nodejs.org), or use the one that a checkout brings: npm ci && npx aipg
`);
  process.exitCode = 1;
} else if (process.argv[2] === '--version') {
  // What oclif would print, without loading it.
  const manifest = new URL('../package.json', import.meta.url);
  const { name, version } = JSON.parse(builtin('node:fs').readFileSync(manifest, 'utf8'));
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
} else {
  // llama.cpp is called on these threads, often for microseconds: more of them than cores only wake each other up.
  // Two are the least, for one may wait for a name server.
  process.env.UV_THREADPOOL_SIZE ??= String(
    Math.max(2, Math.min(4, builtin('node:os').availableParallelism())),
  );
  // What oclif would look for at each start: another Node, as is done above, and a file of colours, which we never use.
  process.env.OCLIF_DISABLE_ENGINE_WARNING ??= '1';
  process.env.AIPG_DISABLE_THEME ??= '1';
  builtin('node:module').enableCompileCache(compileCacheDir());
  await import(process.argv[2] === '__complete' ? '../dist/cli/complete.js' : '../dist/cli/main.js');
}

/** In the user's own cache: Node's default is a folder of the machine's, where others may have put code for us to run. */
function compileCacheDir() {
  const { isAbsolute, join } = builtin('node:path');
  const base = process.env.XDG_CACHE_HOME ?? '';
  return join(isAbsolute(base) ? base : join(builtin('node:os').homedir(), '.cache'), 'aipg', 'compiled');
}

import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'rolldown';
import { lazyRequires } from './build/lazy-requires.ts';
import { leanBuiltins } from './build/lean-builtins.ts';
import { plainSockets } from './build/plain-sockets.ts';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>;
};

/**
 * What is always loaded together, in one file each: every file of a few lines costs half a millisecond to find and link.
 * Dependencies come along, so a module that must stay out of a start is imported on use by whatever is named here.
 */
const GROUPS = [
  {
    name: 'start',
    test: /\/src\/cli\/(report-error|stop-signal|terminal|base-command)\.ts$|\/build\/wsl-utils\.ts$/,
  },
  {
    name: 'job',
    test: new RegExp(
      `/src/(${[
        'cli/(batch-flags|conversation|ensure-model|flags|format|hint|input|job-flags|job-output|open-with-progress)',
        'cli/(price-flags|prompt|recorder|replay|text-job|turn|waiting-line|warn)',
        'runtime/(config/[\\w-]+|grids/(grid|open)|history/messages|json-schema/answer-format)',
        'runtime/models/(aliases|gguf-files|names|reference|suggest)',
        'runtime/protocol/(canonical|charge|codec|credentials|credits|events|format|ids|job|key-limits|limits|model)',
        'runtime/protocol/(numbers|permissions|refusal|replies|seal|sealed|subjects|text|transcript)',
      ].join('|')})\\.ts$`,
    ),
  },
  {
    name: 'bus-client',
    test: /\/src\/runtime\/(grids\/(bus|open-bus|result-of)|bus\/connect)\.ts$|@nats-io\/transport-node/,
  },
].map((group, index) => ({ ...group, priority: 10 - index }));

/**
 * One file per command, what they share in chunks beside them, and everything from `devDependencies` that is imported
 * bundled in: start-up then reads a handful of files. What must be installed beside us (native code, ink) stays out.
 */
export default defineConfig({
  input: Object.fromEntries(
    [
      'src/cli/main.ts',
      'src/cli/complete.ts',
      'src/cli/command-not-found.ts',
      'src/cli/help.ts',
      'src/runtime/ledger/check-thread.ts',
      ...globSync('src/commands/**/*.ts'),
    ].map((file) => [file.replace(/^src\/|\.ts$/g, ''), file]),
  ),
  platform: 'node',
  resolve: { alias: { 'wsl-utils': resolve('build/wsl-utils.ts'), zod$: resolve('build/zod.ts') } },
  plugins: [plainSockets(), lazyRequires(), leanBuiltins()],
  // oclif can load TypeScript sources of plugins when `typescript` is there; we have none.
  external: [...Object.keys(dependencies), 'typescript', 'react/jsx-runtime'],
  output: {
    dir: 'dist',
    cleanDir: true,
    chunkFileNames: 'shared/[name]-[hash].js',
    codeSplitting: { groups: GROUPS },
    minify: { compress: true, mangle: false, codegen: true },
  },
});

import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'rolldown';
import { leanBuiltins } from './build/lean-builtins.ts';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>;
};

/**
 * One file per command, what they share in chunks beside them, and everything from `devDependencies` that is imported
 * bundled in: start-up then reads a handful of files. What must be installed beside us (native code, ink) stays out.
 */
export default defineConfig({
  input: Object.fromEntries(
    [
      'src/cli/main.ts',
      'src/cli/command-not-found.ts',
      'src/cli/help.ts',
      ...globSync('src/commands/**/*.ts'),
    ].map((file) => [file.replace(/^src\/|\.ts$/g, ''), file]),
  ),
  platform: 'node',
  plugins: [leanBuiltins()],
  // oclif can load TypeScript sources of plugins when `typescript` is there; we have none.
  external: [...Object.keys(dependencies), 'typescript', 'react/jsx-runtime'],
  output: {
    dir: 'dist',
    cleanDir: true,
    chunkFileNames: 'shared/[name]-[hash].js',
    minify: { compress: true, mangle: false, codegen: false },
  },
});

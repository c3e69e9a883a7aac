import { isBuiltin } from 'node:module';
import type { Plugin } from 'rolldown';

/**
 * Takes Node's own modules by `process.getBuiltinModule` where the bundle would import or require them. Both of those
 * make Node read every export of the module for its ES form, which starts streams, stdin, workers and more that nobody
 * asked for: 13 ms for `node:fs`, `node:process` and `node:util` alone.
 */
export function leanBuiltins(): Plugin {
  return {
    name: 'lean-builtins',
    renderChunk: (code) =>
      code
        .replace(IMPORT, (statement, bindings: string, id: string) =>
          isBuiltin(id) ? bind(bindings, id) : statement,
        )
        .replace(REQUIRE, (call, id: string) => (isBuiltin(id) ? get(id) : call)),
  };
}

/** An import statement as rolldown writes it: at the start of a line, on one line. */
const IMPORT = /^import (?!\()(.+?) from "([^"]+)";$/gm;
const REQUIRE = /\b__require\("([^"]+)"\)/g;

function bind(bindings: string, id: string): string {
  const match = /^(?:(?<whole>[\w$]+)|\* as (?<namespace>[\w$]+))?(?:, )?(?:\{(?<named>[^}]*)\})?$/.exec(
    bindings,
  );
  if (!match) throw new Error(`An import of ${id} that is not understood: ${bindings}`);
  const { whole, namespace, named } = match.groups ?? {};
  return [whole, namespace, named && `{${named.replaceAll(/ as /g, ': ')}}`]
    .filter(Boolean)
    .map((target) => `const ${target} = ${get(id)};`)
    .join(' ');
}

function get(id: string): string {
  return `globalThis.process.getBuiltinModule("${id}")`;
}

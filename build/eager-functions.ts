import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

// Marks the functions that every start runs: node build/eager-functions.ts
//
// Node's compile cache holds what V8 compiles as it reads a file, and V8 leaves functions for their first call but for
// those in brackets, which it takes to be called at once. So starts compiled the same thousand functions again and
// again, and the cache was full of others, for a minifier puts whole modules in brackets. Here brackets go by what is
// run.

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/** What to run, and how it exits. None needs a grid: nothing listens on port 9, so `gen` goes as far as to a connection. */
const STARTS = [
  { args: ['gen', '--grid', 'nats://127.0.0.1:9', '--no-log', 'Hello'], exitCode: 4 },
  { args: ['gen', '--help'], exitCode: 0 },
  { args: ['grid', 'ls', '--json'], exitCode: 0 },
];

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly {
        readonly startOffset: number;
        readonly endOffset: number;
        readonly count: number;
      }[];
    }[];
  }[];
}

/** Of each file of ours that was loaded, where the functions stand that ran, as `start:end`. */
function functionsRun(): Map<string, Set<string>> {
  const home = mkdtempSync(join(tmpdir(), 'aipg-build-'));
  const found = new Map<string, Set<string>>();
  try {
    for (const { args, exitCode } of STARTS) {
      const { status } = spawnSync(process.execPath, [join(ROOT, 'bin/run.js'), ...args], {
        stdio: 'ignore',
        timeout: 30_000,
        env: { PATH: process.env['PATH'], HOME: home, NODE_V8_COVERAGE: join(home, 'coverage') },
      });
      if (status !== exitCode)
        throw new Error(`aipg ${args.join(' ')} exited with ${status}, not ${exitCode}.`);
    }
    for (const name of readdirSync(join(home, 'coverage'))) {
      const { result } = JSON.parse(readFileSync(join(home, 'coverage', name), 'utf8')) as Coverage;
      for (const { url, functions } of result) {
        if (!url.startsWith('file:') || !fileURLToPath(url).startsWith(DIST)) continue;
        const file = fileURLToPath(url);
        const run = found.get(file) ?? new Set();
        for (const { ranges } of functions) {
          const [whole] = ranges;
          if (whole && whole.count > 0) run.add(`${whole.startOffset}:${whole.endOffset}`);
        }
        found.set(file, run);
      }
    }
    return found;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** The code with brackets around the functions that ran, and without those around arguments that did not. */
export function withBrackets(code: string, run: ReadonlySet<string>): string {
  const edits: { at: number; drop: number; insert: string }[] = [];
  const visit = (value: unknown, parent: Node | undefined): void => {
    if (Array.isArray(value)) for (const each of value) visit(each, parent);
    if (!isNode(value)) return;
    const { type, start, end } = value;
    if ((type === 'ArrowFunctionExpression' || type === 'FunctionExpression') && !isMethod(parent)) {
      const isRun = run.has(`${start}:${end}`);
      const isArgument = Array.isArray(parent?.['arguments']) && parent['arguments'].includes(value);
      // Of an only argument the nearest brackets are the call's.
      const isBracketed =
        code[start - 1] === '(' && code[end] === ')' && (!isArgument || /[(,]/.test(code[start - 2] ?? ''));
      if (isRun && !isBracketed) {
        edits.push({ at: start, drop: 0, insert: '(' }, { at: end, drop: 0, insert: ')' });
      } else if (!isRun && isBracketed && isArgument) {
        edits.push({ at: start - 1, drop: 1, insert: '' }, { at: end, drop: 1, insert: '' });
      }
    }
    for (const child of Object.values(value)) visit(child, value);
  };
  visit(parseAst(code), undefined);
  // Of two at one place, what closes goes first.
  edits.sort((a, b) => a.at - b.at || (a.insert === ')' ? -1 : 1));
  let edited = '';
  let last = 0;
  for (const { at, drop, insert } of edits) {
    edited += code.slice(last, at) + insert;
    last = at + drop;
  }
  return edited + code.slice(last);
}

/** A method's function is no expression of its own, though the tree has it so. */
function isMethod(parent: Node | undefined): boolean {
  return (
    parent?.type === 'MethodDefinition' ||
    (parent?.type === 'Property' && (parent['method'] === true || parent['kind'] !== 'init'))
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

if (process.argv[1] === import.meta.filename) {
  const run = functionsRun();
  for (const [file, functions] of run) {
    const code = withBrackets(readFileSync(file, 'utf8'), functions);
    // Brackets in the wrong place are found here, not by whoever runs the program.
    parseAst(code);
    writeFileSync(file, code);
  }
}

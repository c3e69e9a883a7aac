import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox, type ServedGrid } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';

const PERSON = JSON.stringify({
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 20 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
  },
  required: ['name', 'age'],
});
const WILD = ['--temperature', '1.5', '--top-k', '0', '--top-p', '1', '--min-p', '0'];

let home: Sandbox;
let grid: ServedGrid;

beforeAll(async () => {
  home = await Sandbox.create();
  grid = await home.startUp();
});
afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

async function fails(args: readonly string[]) {
  const { stdout, stderr, exitCode } = await home.aipg(['gen', '--grid', 'local', ...args]);
  expect(stdout).toBe('');
  return { stderr, exitCode };
}

describe('aipg gen --schema', () => {
  test.each(['local', 'grid'])('prints JSON that a pipe can parse: %s', async (where) => {
    const at = where === 'local' ? 'local' : grid.url;
    const parse = `node -e 'const { name, age } = JSON.parse(require("fs").readFileSync(0)); console.log(typeof name, age <= 120)'`;
    const line = `set -o pipefail; aipg gen --grid ${at} ${WILD.join(' ')} --schema '${PERSON}' "Who?" | ${parse}`;
    const { stdout, stderr, exitCode } = await home.bash(line);
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: 'string true\n', stderr: '', exitCode: 0 });
  });

  test('prints the same in this process and on a grid, from a file or in the command', async () => {
    const file = join(home.home, 'person.json');
    await writeFile(file, PERSON);
    const ask = (at: string, schema: string) =>
      home.aipg(['gen', '--grid', at, '--seed', '7', ...WILD, '--schema', schema, 'Who?']);
    const [here, there] = await Promise.all([ask('local', file), ask(grid.url, PERSON)]);
    expect(here.exitCode).toBe(0);
    expect(there.stdout).toBe(here.stdout);
  });

  test('--json records the format and the sampler', async () => {
    const { stdout } = await home.aipg(['gen', '--json', '--schema', PERSON, 'Who?']);
    expect(JSON.parse(stdout)).toMatchObject({
      sampler: 'grammar',
      maxTokens: 4_096,
      format: { type: 'schema', schema: JSON.parse(PERSON) },
    });
  });

  test('--json-mode prints an object or an array', async () => {
    const { stdout, exitCode } = await home.aipg(['gen', '--json-mode', '--temperature', '0', 'Who?']);
    expect(exitCode).toBe(0);
    expect(typeof JSON.parse(stdout)).toBe('object');
  });

  test('comes from a template too', async () => {
    await writeFile(join(home.home, 'person.yaml'), `prompt: Who?\nschema: person-of-template.json\n`);
    await writeFile(join(home.home, 'person-of-template.json'), PERSON);
    const { stdout, exitCode } = await home.aipg(['gen', '-t', join(home.home, 'person.yaml')]);
    expect(exitCode).toBe(0);
    expect(Object.keys(JSON.parse(stdout))).toEqual(['name', 'age']);
  });

  test('fails with nothing on stdout when the answer is cut or does not satisfy the schema', async () => {
    const cut = await fails(['-n', '3', '--schema', PERSON, 'Who?']);
    expect(cut.exitCode).toBe(5);
    expect(cut.stderr).toMatch(/cut at 3 tokens.*\nRaise --max-tokens/);
    const twice = JSON.stringify({
      type: 'array',
      items: { type: 'null' },
      minItems: 2,
      maxItems: 2,
      uniqueItems: true,
    });
    const wrong = await fails(['--schema', twice, 'Who?']);
    expect(wrong.exitCode).toBe(5);
    expect(wrong.stderr).toMatch(/does not satisfy uniqueItems/);
  });

  test.each([
    [['--schema', '{"type":"object","propertis":{}}'], /"propertis", at #/],
    [['--schema', '{"properties":{"a":{"type":"strin"}}}'], /"strin", at #\/properties\/a\/type/],
    [['--schema', '{oops'], /is not JSON/],
    [['--schema', 'nothing.json'], /nothing\.json is not there/],
    [['--schema', '{}', '--json-mode'], /do not go together|does not go/],
    [['--schema', '{}', '--stop', 'x'], /--stop could cut the JSON short/],
  ])('%j is refused before anything starts', async (args, message) => {
    const { stderr, exitCode } = await fails([...args, 'Who?']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });

  test('streams on a terminal', async () => {
    await using terminal = await Terminal.open(home);
    const { screen, status } = await terminal.run(`aipg gen --grid local --seed 7 --schema '${PERSON}' Who`);
    expect(status).toBe(0);
    expect(screen).toMatch(/\{"name": ?"[^"]+", ?"age": ?\d+\}/);
  });
});

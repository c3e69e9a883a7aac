import { once } from 'node:events';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ErrorCode, EXIT_CODES } from '../../src/runtime/protocol/errors.ts';
import { Sandbox, TINY_MODEL } from '../support/aipg.ts';
import { startTestBus, type TestBus } from '../support/bus-server.ts';

/** Nothing listens there. */
const DEAD_BUS = 'nats://127.0.0.1:1';

/** Within the magic number, the header and the weights, and one byte short. */
const CUT_SIZES = [0, 20, 30_000, 3_841_439];

let home: Sandbox;
/** A bus without directors and workers. */
let bus: TestBus;
/** A bus whose streams are of a release to come. */
let futureBus: TestBus;
const files: Record<string, string> = {};

beforeAll(async () => {
  [home, bus, futureBus] = await Promise.all([Sandbox.create(), startTestBus(), startTestBus()]);
  const connection = await connect({ servers: futureBus.url });
  const manager = await jetstreamManager(connection);
  for (const [name, subject] of [
    ['AIPG_JOBS', 'aipg.job.>'],
    ['AIPG_EVENTS', 'aipg.evt.*.*'],
    ['AIPG_RESULTS', 'aipg.res.*.*'],
  ] as const) {
    await manager.streams.add({ name, subjects: [subject], metadata: { aipg_protocol: '99' } });
  }
  await connection.close();

  const model = await readFile(TINY_MODEL);
  for (const size of CUT_SIZES) {
    const path = join(home.home, `cut-${size}.gguf`);
    await writeFile(path, model);
    await truncate(path, size);
    files[`cut-${size}`] = path;
  }
  files['text'] = join(home.home, 'text.gguf');
  await writeFile(files['text'], '<!doctype html>\n'.repeat(100));
  files['long'] = 'word '.repeat(3_000);
});
afterAll(async () => {
  await Promise.all([bus.stop(), futureBus.stop()]);
  await home[Symbol.asyncDispose]();
});

interface BadInput {
  readonly code: ErrorCode;
  /** What is bad, in the message. */
  readonly names: readonly (string | RegExp)[];
  /** The next step, in the hint; without it, the message itself says what to write instead. */
  readonly hint?: string | RegExp;
  readonly input?: string;
  readonly env?: Record<string, string>;
}

const isError = (line: string) => line.startsWith('error: ');

/** Runs it twice, for people and for programs, and checks both ways of saying the same. */
async function expectRefused(
  args: readonly string[],
  { code, names, hint, input, env }: BadInput,
): Promise<void> {
  const options = { input, env };
  const [plain, json] = await Promise.all([
    home.aipg(args, options),
    home.aipg([...args, '--json'], options),
  ]);

  expect({ stdout: plain.stdout, exitCode: plain.exitCode }, plain.stderr).toEqual({
    stdout: '',
    exitCode: EXIT_CODES[code],
  });
  const lines = plain.stderr.trimEnd().split('\n');
  // Before the error there is only what `aipg up` tells of its start.
  const [message = '', ...rest] = args[0] === 'up' ? lines.slice(lines.findIndex(isError)) : lines;
  expect(message).toMatch(/^error: \S/);
  for (const name of names) expect(message).toMatch(name);
  expect(rest.length).toBeLessThanOrEqual(1);
  if (hint !== undefined) expect(rest[0]).toMatch(hint);
  expect(plain.stderr).not.toMatch(/^ {4}at |Error:|undefined|\[object/m);

  expect({ stdout: json.stdout, exitCode: json.exitCode }, json.stderr).toEqual({
    stdout: '',
    exitCode: EXIT_CODES[code],
  });
  expect(json.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(json.stderr)).toEqual({
    error: {
      code,
      message: message.replace(/^error: /, ''),
      ...(rest[0] === undefined ? {} : { hint: rest[0] }),
    },
  });
}

test('a Node that is too old is told, with the one that is needed', async () => {
  const older =
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } })';
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}` };
  const { stdout, stderr, exitCode } = await home.aipg(['gen', 'x'], { env });
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
  expect(stderr).toMatch(/^error: aipg needs Node 22 or newer; .* is Node 20\.1\.0\.\nInstall a newer one/);
});

describe('a command that is not understood', () => {
  test('names an unknown flag', () =>
    expectRefused(['gen', '--colour', 'x'], { code: 'usage', names: ['--colour'], hint: '--help' }));

  test('suggests a flag for a misspelt one', () =>
    expectRefused(['gen', '--temprature', '1', 'x'], {
      code: 'usage',
      names: ['--temprature'],
      hint: '--temperature',
    }));

  test('suggests a command for a misspelt one', () =>
    expectRefused(['gne', 'x'], { code: 'usage', names: ['gne'], hint: /\bgen\b/ }));

  test('names a flag that lacks its value', () =>
    expectRefused(['gen', '--seed'], { code: 'usage', names: ['--seed'] }));

  test('names arguments that are missing', () =>
    expectRefused(['grid', 'add', 'home'], {
      code: 'usage',
      names: ['URL'],
      hint: 'See `aipg grid add --help`.',
    }));

  test('names a flag that is missing, and what it takes', () =>
    expectRefused(['grid', 'init', 'lab'], {
      code: 'usage',
      names: ['Missing flag --url tls://HOST:PORT.'],
      hint: 'See `aipg grid init --help`.',
    }));

  test('names the flag that another needs', () =>
    expectRefused(['up', '--tls'], { code: 'usage', names: ['--tls needs --listen HOST[:PORT].'] }));

  test('names two flags that contradict each other', () =>
    expectRefused(['ledger', 'log', '--all', '--limit', '3'], {
      code: 'usage',
      names: [/--(all|limit) does not go with --(all|limit)\./],
    }));

  test('names them without what one of them was given', () =>
    expectRefused(['gen', '--replay', '3', '-s', 'Be brief.\nAnd kind.'], {
      code: 'usage',
      names: [/^error: --system does not go with --replay\.$/],
    }));

  test('says the same where oclif colours it', async () => {
    const env = { FORCE_COLOR: '1' };
    const { stderr } = await home.aipg(['up', '--tls'], { env });
    expect(stripVTControlCharacters(stderr)).toBe(
      'error: --tls needs --listen HOST[:PORT].\nSee `aipg up --help`.\n',
    );
    const { error } = JSON.parse((await home.aipg(['up', '--tls', '--json'], { env })).stderr);
    expect(error.message).toBe('--tls needs --listen HOST[:PORT].');
  });

  test('names the choices of what is missing', async () => {
    await expectRefused(['completion'], { code: 'usage', names: ['SHELL', 'bash, zsh, fish'] });
    await expectRefused(['grid', 'invite'], { code: 'usage', names: [/--role \S*user\|worker/] });
  });

  test('names two ports where there can be one', () =>
    expectRefused(['up', '--listen', '127.0.0.1:4000', '--port', '4001'], {
      code: 'usage',
      names: ['127.0.0.1:4000', '--port 4001'],
    }));

  test('names an argument too many', () =>
    expectRefused(['status', 'now'], { code: 'usage', names: ['now'] }));

  test('names a value outside of a choice, and the choices', () =>
    expectRefused(['worker', '--log-level', 'loud'], { code: 'usage', names: ['loud', 'warn'] }));

  test('says that --system does not go with --raw', () =>
    expectRefused(['gen', '--raw', '-s', 'Be brief.', 'x'], {
      code: 'usage',
      names: ['--system', '--raw'],
    }));
});

describe.concurrent('a number that cannot be', () => {
  test.for([
    ['--temperature', 'NaN', '0', '5'],
    ['--temperature', '-0.1', '0', '5'],
    ['--temperature', '5.1', '0', '5'],
    ['--temperature', 'warm', '0', '5'],
    ['--temperature', '', '0', '5'],
    ['--top-p', 'NaN', '0', '1'],
    ['--top-p', '0', '0', '1'],
    ['--top-p', '1.01', '0', '1'],
    ['--top-k', 'NaN', '0', '1000'],
    ['--top-k', '-1', '0', '1000'],
    ['--top-k', '2.5', '0', '1000'],
    ['--min-p', 'NaN', '0', '1'],
    ['--min-p', '1.5', '0', '1'],
    ['--repeat-penalty', 'NaN', '1', '3'],
    ['--repeat-penalty', '0.9', '1', '3'],
    ['--max-tokens', '0', '1', '131072'],
    ['--max-tokens', '1e9', '1', '131072'],
    ['--max-tokens', 'Infinity', '1', '131072'],
    ['--threads', '0', '1', '512'],
  ] as const)('%s %j is refused with its range', async ([flag, value, least, most]) => {
    const { stderr, exitCode } = await home.aipg(['gen', `${flag}=${value}`, 'x', '--json']);
    expect(exitCode).toBe(2);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    expect(error.code).toBe('usage');
    const range = `from ${least} to ${most}|above ${least} and up to ${most}`;
    expect(error.message).toMatch(
      new RegExp(`^${flag} must be .*(?:${range}), not ${JSON.stringify(value)}\\.$`),
    );
  });

  test.for(['soon', '-1s', '0', '10y', '25h'])('--timeout %j is refused', (value) =>
    expectRefused(['gen', `--timeout=${value}`, 'x'], { code: 'usage', names: ['--timeout', value] }),
  );

  test.for([
    ['up', '--slots', '0'],
    ['up', '--port', '65536'],
    ['worker', '--slots', 'many'],
    ['worker', '--drain-timeout', 'never'],
  ] as const)('%s %s %s is refused', ([command, flag, value]) =>
    expectRefused([command, `${flag}=${value}`], { code: 'usage', names: [flag, value] }),
  );

  test('an empty --stop is refused', () =>
    expectRefused(['gen', '--stop', '', 'x'], { code: 'usage', names: ['stop'] }));
});

describe('a model that is none', () => {
  test('an unknown name is told with what there is', () =>
    expectRefused(['gen', '-m', 'aipg-tinny', 'x'], {
      code: 'model-not-found',
      names: ['aipg-tinny'],
      hint: /Did you mean aipg-tiny\?/,
    }));

  test('a reference that is none is told with the forms there are', () =>
    expectRefused(['gen', '-m', 'hf:org', 'x'], { code: 'usage', names: ['hf:org'], hint: /hf:org\/repo:/ }));

  test('a path that does not exist is named', () =>
    expectRefused(['gen', '-m', './no/model.gguf', 'x'], {
      code: 'model-not-found',
      names: ['no/model.gguf'],
    }));

  test('a folder is told from a file', () =>
    expectRefused(['gen', '-m', '/tmp/', 'x'], { code: 'model-not-found', names: ['/tmp', 'folder'] }));

  test('a file that is not GGUF is named', () =>
    expectRefused(['gen', '-m', files['text'] as string, 'x'], {
      code: 'model-invalid',
      names: ['text.gguf', 'GGUF'],
    }));

  test.for(CUT_SIZES)('a file cut short at %i bytes is named', (size) =>
    expectRefused(['gen', '-m', files[`cut-${size}`] as string, 'x'], {
      code: 'model-invalid',
      names: [`cut-${size}.gguf`],
    }),
  );

  test('a worker does not start on it either', () =>
    expectRefused(['worker', '--grid', bus.url, '-m', files['cut-30000'] as string], {
      code: 'model-invalid',
      names: ['cut-30000.gguf'],
    }));

  test('a hub model that may not be fetched is named', () =>
    expectRefused(['gen', '-m', 'hf:org/repo:Q4_K_M', 'x'], {
      code: 'model-not-found',
      names: ['hf:org/repo:Q4_K_M'],
      hint: /HF_HUB_OFFLINE/,
      env: { HF_HUB_OFFLINE: '1' },
    }));
});

test('a prompt longer than the context is told with both numbers', () =>
  expectRefused(['gen', '-'], {
    code: 'context-exceeded',
    names: [/\b6\d{3}\b/, /\b2048\b/],
    hint: /./,
    input: files['long'] as string,
  }));

describe('a grid that is none', () => {
  test('an unknown profile is named', () =>
    expectRefused(['gen', '--grid', 'home', 'x'], { code: 'usage', names: ['home'], hint: 'aipg grid add' }));

  test.for(['http://example.com', 'nats://', 'nats:///x', 'nats://host:99999'])(
    'the address %s is refused',
    (url) =>
      expectRefused(['gen', '--grid', url, 'x'], { code: 'usage', names: [url], hint: 'nats://host:port' }),
  );

  test('AIPG_GRID is checked like the flag', () =>
    expectRefused(['gen', 'x'], {
      code: 'usage',
      names: ['nowhere'],
      env: { AIPG_GRID: 'nowhere' },
    }));

  test.for(['gen', 'status', 'worker', 'director'])('%s names a bus that does not answer', (command) =>
    expectRefused([command, '--grid', DEAD_BUS, ...(command === 'gen' ? ['x'] : [])], {
      code: 'grid-unreachable',
      names: [DEAD_BUS],
      hint: 'aipg up',
    }),
  );

  test('the password in an address is not repeated', async () => {
    const { stderr, exitCode } = await home.aipg(['gen', '--grid', 'nats://me:hunter2@127.0.0.1:1', 'x']);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).not.toContain('hunter2');
  });

  test.for(['worker', 'director'])('%s without any grid says how to start one', (command) =>
    expectRefused([command], { code: 'grid-unreachable', names: ['grid'], hint: 'aipg up' }),
  );

  test('a grid without a director is told at once', async () => {
    await expectRefused(['gen', '--grid', bus.url, 'x'], {
      code: 'grid-unreachable',
      names: ['director'],
      hint: 'aipg director',
    });
  });

  test('a grid without a worker is told at once', async () => {
    await using _director = await home.startDirector(bus.url);
    await expectRefused(['gen', '--grid', bus.url, 'x'], {
      code: 'model-not-found',
      names: ['worker'],
      hint: 'aipg worker',
    });
  });

  test.for(['worker', 'director'])('%s refuses a bus of another protocol version', (command) =>
    expectRefused([command, '--grid', futureBus.url], {
      code: 'protocol-mismatch',
      names: ['99', '2'],
      hint: 'same release',
    }),
  );

  test('a path of this machine means nothing to a grid, which says what to do', () =>
    expectRefused(['gen', '--grid', bus.url, '-m', TINY_MODEL, 'x'], {
      code: 'usage',
      names: [TINY_MODEL],
      hint: '--grid local',
    }));

  test.for([
    [['add', 'local', 'nats://host:4222'], 'local'],
    [['add', 'two words', 'nats://host:4222'], 'two words'],
    [['add', 'home', 'host'], 'url'],
    [['add', 'home', 'nats://host', '--account', 'a.b'], 'account'],
    [['use', 'nowhere'], 'nowhere'],
    [['rm', 'nowhere'], 'nowhere'],
  ] as const)('grid %j is refused', ([args, name]) =>
    expectRefused(['grid', ...args], { code: 'usage', names: [name] }),
  );
});

describe('aipg up', () => {
  test('names the nats-server that AIPG_NATS_SERVER asks for and that is not there', () =>
    expectRefused(['up'], {
      code: 'bus-server-missing',
      names: ['AIPG_NATS_SERVER', '/nowhere/nats-server'],
      hint: 'AIPG_NATS_SERVER',
      env: { AIPG_NATS_SERVER: '/nowhere/nats-server' },
    }));

  test('names a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    try {
      for (const json of [[], ['--json']]) {
        const { stdout, stderr, exitCode } = await home.aipg([
          'up',
          '--log-level',
          'silent',
          '--port',
          port,
          ...json,
        ]);
        expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 4 });
        const last = stderr
          .trimEnd()
          .split('\n')
          .slice(json.length === 0 ? -2 : -1);
        if (json.length > 0) {
          expect(JSON.parse(last[0] as string)).toMatchObject({ error: { code: 'port-in-use' } });
        } else {
          expect(last[0]).toMatch(/^error: /);
          expect(last[0]).toContain(port);
          expect(last[1]).toContain('another port');
        }
      }
      expect(await home.busProcesses()).toEqual([]);
    } finally {
      server.close();
    }
  });
});

describe('settings that are broken', () => {
  test.for([
    ['are not JSON', '{ "grids": '],
    ['are of another shape', '{ "grids": { "home": { "url": "ftp://host" } } }'],
  ])('name their file when they %s, and stay as they are', async ([, text], { expect }) => {
    await using other = await Sandbox.create();
    const file = join(other.paths.config, 'config.json');
    await mkdir(other.paths.config, { recursive: true });
    await writeFile(file, text as string);
    for (const args of [
      ['gen', 'x'],
      ['grid', 'ls'],
      ['grid', 'add', 'there', 'nats://there'],
    ]) {
      const { stderr, exitCode } = await other.aipg(args);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/^error: .*config\.json.*\n.*(?:[Mm]end|delete).*\n$/);
    }
    expect(await readFile(file, 'utf8')).toBe(text);
    expect((await other.aipg(['gen', '--grid', 'local', '-n', '1', 'x'])).exitCode).toBe(0);
  });
});

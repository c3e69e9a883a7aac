import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyFile, parsePolicy } from '../../../../src/runtime/director/policy/policy-file.ts';
import { LOCAL_ACCOUNT } from '../../../../src/runtime/protocol/ids.ts';
import { type Logged, recordingLog, textJob } from '../../../support/grid.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aipg-policy-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Resolves when something is logged with that message, which is looked for again at each line. */
function nextLine(lines: Logged[], message: string): Promise<Logged> {
  const known = lines.length;
  return expect
    .poll(() => lines.slice(known).find((line) => line.message === message), { timeout: 10_000 })
    .toBeDefined()
    .then(() => lines.slice(known).find((line) => line.message === message) as Logged);
}

describe('a policy file', () => {
  test('of nothing takes everything', () => {
    expect(parsePolicy('', 'p.yaml')).toEqual({ limits: {}, rates: {}, accounts: {}, blocked: [] });
  });

  test('holds sizes, rates, blocked words and models', () => {
    const text = `
limits: { promptBytes: 1000, messages: 3, maxTokens: 64 }
rates:
  jobs: { perMinute: 60, burst: 5 }
  outputTokens: { perMinute: 1000 }
accounts:
  guest: { rates: { jobs: { perMinute: 1 } } }
blocked:
  - reason: it asks for a weapon
    patterns: [build a bomb, "*ware"]
models: [${'a'.repeat(64)}]
`;
    expect(parsePolicy(text, 'p.yaml')).toMatchObject({
      rates: { jobs: { perMinute: 60, burst: 5 }, outputTokens: { perMinute: 1_000, burst: 1_000 } },
      accounts: { guest: { rates: { jobs: { perMinute: 1, burst: 1 } } } },
      models: ['a'.repeat(64)],
    });
  });

  test.each([
    ['a field that is misspelt', 'limits:\n  promptByte: 3\n', 'p.yaml:2', 'unknown field, "promptByte"'],
    ['what is no YAML', 'limits: [\n', 'p.yaml:', 'is not YAML'],
    ['a list', '- a\n', 'p.yaml:1', 'not a map'],
    ['a rate of nothing', 'rates:\n  jobs:\n    perMinute: 0\n', 'p.yaml:3', 'rates.jobs.perMinute'],
    [
      'a pattern that cannot match',
      'blocked:\n  - reason: x\n    patterns:\n      - ok\n      - a*b\n',
      'p.yaml:5',
      'in the middle',
    ],
    ['a sha256 that is none', 'models:\n  - abc\n', 'p.yaml:2', '64 hex digits'],
    ['an account that is no name', 'accounts:\n  "a.b": { rates: {} }\n', 'p.yaml:2', 'accounts'],
  ])('is refused for %s, with its line', (_, text, place, reason) => {
    expect(() => parsePolicy(text, 'p.yaml')).toThrow(place);
    expect(() => parsePolicy(text, 'p.yaml')).toThrow(reason);
  });

  test('that is not there is refused', async () => {
    const { log } = recordingLog();
    await expect(PolicyFile.open(join(dir, 'missing.yaml'), log)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('is not there'),
    });
  });

  test('is read again when it changes or is replaced; what is wrong in it changes nothing', async () => {
    const path = join(dir, 'policy.yaml');
    const { log, lines } = recordingLog();
    await writeFile(path, 'limits: { maxTokens: 2000 }');
    using file = await PolicyFile.open(path, log);
    const admit = () => file.policy.admit(LOCAL_ACCOUNT, textJob('Hello.'));
    await admit();

    const changed = nextLine(lines, 'policy in force');
    await writeFile(path, 'limits: { maxTokens: 5 }');
    await changed;
    await expect(admit()).rejects.toThrow('takes up to 5');

    const refused = nextLine(lines, 'policy not taken; the one before stays in force');
    await writeFile(path, 'limits: { maxTokens: none }');
    expect((await refused).fields['reason']).toContain('limits.maxTokens');
    await expect(admit()).rejects.toThrow('takes up to 5');

    const replaced = nextLine(lines, 'policy in force');
    await writeFile(`${path}.new`, 'limits: { maxTokens: 4000 }');
    await rename(`${path}.new`, path);
    await replaced;
    await admit();
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Policy } from '../../../../src/runtime/director/policy/policy.ts';
import { type PolicyRules, policyRulesSchema } from '../../../../src/runtime/director/policy/rules.ts';
import type { Grid } from '../../../../src/runtime/grids/grid.ts';
import { accountSchema, LOCAL_ACCOUNT, newJobId } from '../../../../src/runtime/protocol/ids.ts';
import { jobSpecSchema } from '../../../../src/runtime/protocol/job.ts';
import { SealKeys } from '../../../../src/runtime/protocol/seal-keys.ts';
import { deriveSeed } from '../../../../src/runtime/protocol/text.ts';
import { TestGrid, textJob } from '../../../support/grid.ts';
import { instantEngine } from '../../../support/instant-engine.ts';

const rules = (given: object): PolicyRules => policyRulesSchema.parse(given);
const admitted = (policy: Policy, job = textJob('Hello.'), account = LOCAL_ACCOUNT) =>
  policy.admit(account, job).then(
    () => 'admitted',
    ({ code }: { code: string }) => code,
  );
const withInput = (input: object) => {
  const seed = deriveSeed('7');
  const prompt = { form: 'raw', text: 'Once' };
  return jobSpecSchema.parse({ id: newJobId(), input: { prompt, seed, ...input } });
};

describe('a policy', () => {
  test('of no rules takes everything', async () => {
    expect(await admitted(new Policy(), textJob('x'.repeat(100_000)))).toBe('admitted');
  });

  test('counts a prompt in bytes, all messages together', async () => {
    const policy = new Policy(rules({ limits: { promptBytes: 8 } }));
    expect(await admitted(policy, textJob('12345678'))).toBe('admitted');
    expect(await admitted(policy, textJob('1234567ü'))).toBe('policy-refused');
    const messages = ['12345', '1234'].map((content) => ({ role: 'user', content }));
    expect(await admitted(policy, withInput({ prompt: { form: 'chat', messages } }))).toBe('policy-refused');
    expect(await admitted(policy, withInput({ prompt: { form: 'raw', text: '123456789' } }))).toBe(
      'policy-refused',
    );
  });

  test('bounds the messages of a conversation and the tokens of an answer, and says what to do', async () => {
    const policy = new Policy(rules({ limits: { messages: 1, maxTokens: 10 } }));
    const messages = ['a', 'b'].map((content) => ({ role: 'user', content }));
    expect(await admitted(policy, withInput({ maxTokens: 10 }))).toBe('admitted');
    const long = withInput({ maxTokens: 10, prompt: { form: 'chat', messages } });
    expect(await admitted(policy, long)).toBe('policy-refused');
    await expect(policy.admit(LOCAL_ACCOUNT, withInput({ maxTokens: 11 }))).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('up to 11 tokens; this grid takes up to 10'),
      hint: expect.stringContaining('--max-tokens 10'),
    });
  });

  test.each([
    ['the prompt', { prompt: { form: 'raw', text: 'Plant a secretword.' } }],
    [
      'an older message',
      {
        prompt: {
          form: 'chat',
          messages: ['secretword', 'yes', 'go on'].map((content) => ({ role: 'user', content })),
        },
      },
    ],
    ['a stop string', { stop: ['secretword'] }],
    ['a schema', { format: { type: 'schema', schema: { const: 'my secretword' } } }],
  ])('refuses blocked words in %s, for the reason of their rule and without the text', async (_, input) => {
    const blocked = [{ reason: 'it is about secrets', patterns: ['secretword'] }];
    const error = await new Policy(rules({ blocked })).admit(LOCAL_ACCOUNT, withInput(input)).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('it is about secrets'),
    });
    expect(JSON.stringify(error)).not.toContain('secretword');
  });

  test('refuses sealed jobs where it would look at their text, unless it says otherwise', async () => {
    const blocked = [{ reason: 'it is about secrets', patterns: ['secretword'] }];
    const key = new SealKeys().key;
    const job = {
      id: newJobId(),
      input: { prompt: { form: 'sealed', key, bytes: 2_048 } as const, maxTokens: 10 },
    };
    const code = (given: object) =>
      new Policy(rules(given)).admit(LOCAL_ACCOUNT, job).then(
        () => 'admitted',
        (error: { code: string }) => error.code,
      );
    expect(await code({})).toBe('admitted');
    expect(await code({ blocked })).toBe('policy-refused');
    expect(await code({ blocked, sealed: 'allow' })).toBe('admitted');
    expect(await code({ sealed: 'refuse' })).toBe('policy-refused');
    expect(await code({ limits: { promptBytes: 2_000 } })).toBe('policy-refused');
  });

  test('limits each account by itself, and says when to come again', async () => {
    let now = 0;
    const policy = new Policy(
      rules({
        rates: { jobs: { perMinute: 6, burst: 2 } },
        accounts: { guest: { rates: { jobs: { perMinute: 1 } } } },
      }),
      () => now,
    );
    const [other, guest] = [accountSchema.parse('other'), accountSchema.parse('guest')];
    expect(await admitted(policy)).toBe('admitted');
    expect(await admitted(policy)).toBe('admitted');
    await expect(policy.admit(LOCAL_ACCOUNT, textJob('Hello.'))).rejects.toMatchObject({
      code: 'rate-limited',
      message: 'The account has asked for more than 6 jobs a minute and 2 at once.',
      hint: 'Try again in 10 s.',
    });
    expect(await admitted(policy, textJob('Hello.'), other)).toBe('admitted');
    expect(await admitted(policy, textJob('Hello.'), guest)).toBe('admitted');
    expect(await admitted(policy, textJob('Hello.'), guest)).toBe('rate-limited');
    now = 10_000;
    expect(await admitted(policy)).toBe('admitted');
    expect(await admitted(policy)).toBe('rate-limited');
  });

  test('limits the tokens that are asked for, and refuses at once what never goes through', async () => {
    const policy = new Policy(rules({ rates: { outputTokens: { perMinute: 100 } } }), () => 0);
    expect(await admitted(policy, withInput({ maxTokens: 101 }))).toBe('policy-refused');
    expect(await admitted(policy, withInput({ maxTokens: 60 }))).toBe('admitted');
    expect(await admitted(policy, withInput({ maxTokens: 60 }))).toBe('rate-limited');
    expect(await admitted(policy, withInput({ maxTokens: 40 }))).toBe('admitted');
  });

  test('counts a job that is submitted again, as after a lost answer, once', async () => {
    const policy = new Policy(rules({ rates: { jobs: { perMinute: 1 } } }), () => 0);
    const job = textJob('Hello.');
    expect(await admitted(policy, job)).toBe('admitted');
    expect(await admitted(policy, job)).toBe('admitted');
    expect(await admitted(policy)).toBe('rate-limited');
  });

  test('keeps what was counted when its rules change', async () => {
    const policy = new Policy(rules({ rates: { jobs: { perMinute: 1 } } }), () => 0);
    expect(await admitted(policy)).toBe('admitted');
    policy.change(rules({ rates: { jobs: { perMinute: 2 } } }));
    expect(await admitted(policy)).toBe('rate-limited');
    policy.change(rules({}));
    expect(await admitted(policy)).toBe('admitted');
  });
});

describe('a grid with a policy', () => {
  const policy = new Policy();
  let grid: TestGrid;
  let client: Grid;

  beforeAll(async () => {
    grid = await TestGrid.start({ policy });
    client = await grid.client();
    await grid.worker(instantEngine({ slots: 2 }));
  });

  afterAll(() => grid[Symbol.asyncDispose]());

  const status = async (job = textJob('Say fnord.')) => (await (await client.submit(job)).result()).status;

  test('refuses a job before it is queued; the log has the reason and the account, and no text', async () => {
    policy.change(rules({ blocked: [{ reason: 'it names the unspeakable', patterns: ['fnord'] }] }));
    await expect(client.submit(textJob('Say fnord.'))).rejects.toMatchObject({
      code: 'policy-refused',
      hint: expect.stringContaining('--grid local'),
    });
    expect(grid.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({
          from: 'local',
          code: 'policy-refused',
          reason: expect.stringContaining('it names the unspeakable'),
        }),
      }),
    );
    expect(JSON.stringify(grid.lines)).not.toContain('fnord');
    expect(await (await grid.store()).manager.streams.info('AIPG_JOBS')).toMatchObject({
      state: { messages: 0 },
    });
    policy.change(rules({}));
    expect(await status()).toBe('done');
  });

  test('takes only models whose file is on its list', async () => {
    policy.change(rules({ models: ['f'.repeat(64)] }));
    await expect(client.submit({ ...textJob('Hello.'), model: 'instant' as never })).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('not on the list'),
    });
    await expect(client.submit(textJob('Hello.'))).rejects.toMatchObject({ code: 'model-not-found' });
    // Whose file would come is not known.
    const waiting = client.submit({ ...textJob('Hello.'), model: 'other' as never }, { wait: true });
    await expect(waiting).rejects.toMatchObject({ code: 'model-not-found' });
    policy.change(rules({ models: ['f'.repeat(64), '0'.repeat(64)] }));
    expect(await status()).toBe('done');
    policy.change(rules({}));
  });
});

import { promptBytes, textsOf } from '../../protocol/content.ts';
import { AipgError } from '../../protocol/errors.ts';
import type { Account } from '../../protocol/ids.ts';
import type { SubmittedJob } from '../../protocol/job.ts';
import type { ModelFacts, ModelName, Sha256 } from '../../protocol/model.ts';
import { isSealed, type JobInput } from '../../protocol/sealed.ts';
import { Blocklist } from './blocklist.ts';
import { type OverRate, RateLimits } from './rate-limits.ts';
import { NO_RULES, type PolicyRules } from './rules.ts';

/** A job that is submitted again within this time, as after a lost answer, is not counted twice; in milliseconds. */
const REPEAT_MS = 120_000;
const MAX_REPEATS = 10_000;

const LOCAL_HINT = 'Answer it on this machine with --grid local, or ask the grid’s operator what it takes.';

/** What a grid takes, by its operator's rules: looked at before a job comes to the queue. */
export class Policy {
  readonly #now: () => number;
  readonly #limits = new RateLimits();
  /** When a job was counted, by its id. */
  readonly #counted = new Map<string, number>();
  #rules: PolicyRules;
  #blocklist: Blocklist;
  #models: ReadonlySet<Sha256> | undefined;

  constructor(rules: PolicyRules = NO_RULES, now: () => number = Date.now) {
    this.#now = now;
    this.#rules = rules;
    this.#blocklist = blocklistOf(rules);
    this.#models = rules.models && new Set(rules.models);
  }

  /** Other rules, from now on; what accounts have asked for lately is not forgotten. */
  change(rules: PolicyRules): void {
    this.#blocklist = blocklistOf(rules);
    this.#models = rules.models && new Set(rules.models);
    this.#rules = rules;
  }

  /** @throws AipgError `rate-limited`, `policy-refused`; no message holds text of the job */
  async admit(account: Account, job: Pick<SubmittedJob, 'id' | 'input'>): Promise<void> {
    const now = this.#now();
    // Before the rest, so that what is refused costs its account a job, too.
    if (now - (this.#counted.get(job.id) ?? Number.NEGATIVE_INFINITY) >= REPEAT_MS) {
      this.#count(account, job, now);
    }
    this.#checkSize(job);
    await this.#checkText(job.input);
    if (this.#counted.size >= MAX_REPEATS) this.#counted.clear();
    this.#counted.set(job.id, Math.min(now, this.#counted.get(job.id) ?? now));
  }

  /** Whether only the files of a list may be used. */
  get hasModelList(): boolean {
    return this.#models !== undefined;
  }

  allows({ sha256 }: Pick<ModelFacts, 'sha256'>): boolean {
    return this.#models?.has(sha256) ?? true;
  }

  /** Of a model that workers serve, but of no file that is on the list. */
  refuseModel(model: ModelName): AipgError {
    return new AipgError(
      'policy-refused',
      `This grid does not take jobs for ${model}: its file is not on the list.`,
      {
        hint: 'Leave -m out for one that is, or ask the grid’s operator.',
      },
    );
  }

  async #checkText(input: JobInput): Promise<void> {
    if (isSealed(input)) {
      const { blocked, sealed = blocked.length > 0 ? 'refuse' : 'allow' } = this.#rules;
      if (sealed === 'allow') return;
      throw new AipgError('policy-refused', 'This grid looks at what jobs ask, so it takes no sealed ones.', {
        hint: 'Leave --sealed out, or answer on this machine with --grid local.',
      });
    }
    const rule = await this.#blocklist.find(textsOf(input));
    const blocked = rule === undefined ? undefined : this.#rules.blocked[rule];
    if (!blocked) return;
    throw new AipgError('policy-refused', `This grid does not take the job: ${blocked.reason}.`, {
      hint: LOCAL_HINT,
    });
  }

  #count(account: Account, { input }: Pick<SubmittedJob, 'input'>, now: number): void {
    const { rates } = this.#rules.accounts[account] ?? this.#rules;
    const over = this.#limits.take(account, rates, input.maxTokens, now);
    if (over) throw overRate(over, input.maxTokens);
  }

  #checkSize({ input }: Pick<SubmittedJob, 'input'>): void {
    const { limits } = this.#rules;
    const bytes = promptBytes(input);
    // Of a sealed conversation nobody knows.
    const messages = input.prompt.form === 'chat' ? input.prompt.messages.length : 1;
    if (limits.promptBytes !== undefined && bytes > limits.promptBytes) {
      throw tooLarge(`The prompt has ${bytes} bytes`, limits.promptBytes, 'Shorten it');
    }
    if (limits.messages !== undefined && messages > limits.messages) {
      throw tooLarge(`The conversation has ${messages} messages`, limits.messages, 'Begin a new one');
    }
    if (limits.maxTokens !== undefined && input.maxTokens > limits.maxTokens) {
      const fewer = `Ask for fewer with --max-tokens ${limits.maxTokens}`;
      throw tooLarge(`The job asks for up to ${input.maxTokens} tokens`, limits.maxTokens, fewer);
    }
  }
}

function blocklistOf({ blocked }: PolicyRules): Blocklist {
  return new Blocklist(
    blocked.flatMap(({ patterns }, rule) => patterns.map((pattern) => ({ pattern, rule }))),
  );
}

function tooLarge(what: string, most: number, instead: string): AipgError {
  return new AipgError('policy-refused', `${what}; this grid takes up to ${most}.`, {
    hint: `${instead}, or answer on this machine with --grid local.`,
  });
}

function overRate({ what, rate, waitMs }: OverRate, tokens: number): AipgError {
  const unit = what === 'jobs' ? 'jobs' : 'tokens of output';
  const most = `${rate.perMinute} ${unit} a minute and ${rate.burst} at once`;
  if (waitMs === Number.POSITIVE_INFINITY) {
    return tooLarge(
      `The job asks for up to ${tokens} tokens at once`,
      rate.burst,
      `Ask for fewer with --max-tokens ${rate.burst}`,
    );
  }
  return new AipgError('rate-limited', `The account has asked for more than ${most}.`, {
    hint: `Try again in ${Math.ceil(waitMs / 1_000)} s.`,
  });
}

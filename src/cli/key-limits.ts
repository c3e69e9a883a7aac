import { describeIssue } from '../runtime/protocol/codec.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { formatLimits, type KeyLimits, keyLimitsSchema } from '../runtime/protocol/key-limits.ts';
import { LIMITS } from '../runtime/protocol/limits.ts';
import type { Role } from '../runtime/protocol/permissions.ts';

/** Beside the limits, a subject names the account and the key. */
const OTHER_LENGTH = 200;

interface LimitFlags {
  readonly role: Role;
  readonly models?: string | undefined;
  readonly 'max-rate'?: string | undefined;
}

/**
 * What a key may do less than its role; `undefined` where nothing is said.
 * @throws AipgError `usage` for limits that the role has no use for, or that cannot be read
 */
export async function readLimits({
  role,
  models,
  'max-rate': rate,
}: LimitFlags): Promise<KeyLimits | undefined> {
  if (models === undefined && rate === undefined) return undefined;
  if (role !== 'user' && (role !== 'worker' || rate !== undefined)) {
    const flag = rate === undefined ? '--models is for users and workers' : '--max-rate is for users';
    throw new AipgError('usage', `${flag}, not for the key of a ${role}.`);
  }
  const limits = keyLimitsSchema.safeParse({
    ...(models !== undefined && { models: await readModels(models) }),
    ...(rate !== undefined && { perMinute: readRate(rate) }),
  });
  if (!limits.success) throw new AipgError('usage', `The limits of a key: ${describeIssue(limits.error)}.`);
  if (formatLimits(limits.data).length > LIMITS.askerLength - OTHER_LENGTH) {
    throw new AipgError('usage', '--models names more than fits into one key.', {
      hint: 'Name fewer of them.',
    });
  }
  return limits.data;
}

/** The names by which a grid serves them. */
async function readModels(text: string): Promise<(string | undefined)[]> {
  const { modelNameOnGrid } = await import('../runtime/grids/open.ts');
  const references = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  return Promise.all(references.map((each) => modelNameOnGrid(each)));
}

function readRate(text: string): number {
  const match = /^(\d{1,9})\/min$/.exec(text.trim());
  const rate = Number(match?.[1]);
  if (rate >= 1 && rate <= 1_000_000) return rate;
  throw new AipgError(
    'usage',
    `--max-rate must be a number from 1 to 1000000 a minute, such as 60/min, not ${JSON.stringify(text)}.`,
  );
}

/** Such as `only aipg-tiny, 20/min`. */
export function describeLimits({ models, perMinute }: KeyLimits): string {
  return [models && `only ${models.join(', ')}`, perMinute && `${perMinute}/min`].filter(Boolean).join(', ');
}

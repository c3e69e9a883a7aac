import { type Account, accountSchema, type JobId, type WorkerId } from './ids.ts';
import type { Kind, Tier } from './job.ts';
import { type ModelName, modelNameSchema } from './model.ts';

/** Requests that a director answers. */
export type Verb = 'submit' | 'cancel';

export const subjects = {
  request: (account: Account, verb: Verb) => `aipg.req.${account}.${verb}`,
  job: (kind: Kind, tier: Tier, model: ModelName) => `aipg.job.${kind}.${tier}.${encodeToken(model)}`,
  event: (account: Account, job: JobId) => `aipg.evt.${account}.${job}`,
  result: (account: Account, job: JobId) => `aipg.res.${account}.${job}`,
  controlJob: (job: JobId) => `aipg.ctl.job.${job}`,
  controlWorker: (worker: WorkerId) => `aipg.ctl.worker.${worker}`,
} as const;

/** Subjects with wildcards, for streams and services. */
export const patterns = {
  request: (verb: Verb) => `aipg.req.*.${verb}`,
  jobs: 'aipg.job.>',
  events: 'aipg.evt.*.*',
  results: 'aipg.res.*.*',
} as const;

export const STREAMS = { jobs: 'AIPG_JOBS', events: 'AIPG_EVENTS', results: 'AIPG_RESULTS' } as const;
export const BUCKETS = { workers: 'AIPG_WORKERS' } as const;

/** The durable consumer that all workers of one kind, tier and model share. */
export function consumerName(kind: Kind, tier: Tier, model: ModelName): string {
  return `${kind}_${tier}_${encodeToken(model)}`;
}

/**
 * Writes any model name as one subject token that is safe in a subject, a consumer name and a KV key:
 * ASCII letters, digits, `-` and `_` stand for themselves, every other byte of the UTF-8 form is `=XX` in hex.
 */
export function encodeToken(name: ModelName): string {
  return Buffer.from(name)
    .reduce((parts: string[], byte) => {
      const character = String.fromCharCode(byte);
      parts.push(
        /[A-Za-z0-9_-]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      );
      return parts;
    }, [])
    .join('');
}

/** Reads what {@link encodeToken} wrote; `undefined` for a token that it never writes. */
export function decodeToken(token: string): ModelName | undefined {
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(token)) return undefined;
  const bytes = Buffer.from(
    token.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  const name = modelNameSchema.safeParse(bytes.toString('utf8'));
  return name.success && encodeToken(name.data) === token ? name.data : undefined;
}

/** The account in a request's subject; `undefined` when the subject is not of that form. */
export function requestAccount(subject: string): Account | undefined {
  const [root, area, account, verb, ...rest] = subject.split('.');
  if (root !== 'aipg' || area !== 'req' || verb === undefined || rest.length > 0) return undefined;
  return accountSchema.safeParse(account).data;
}

import {
  type Account,
  accountSchema,
  type ClientId,
  type JobId,
  jobIdSchema,
  type WorkerId,
  workerIdSchema,
} from './ids.ts';
import { type JobLane, type Kind, type Lane, type Tier, tierSchema } from './job.ts';
import { type Asker, formatAsker, parseAsker } from './key-limits.ts';
import { type ModelName, modelNameSchema, type Sha256 } from './model.ts';

/** What a director answers to accounts. */
export type Verb =
  | 'submit'
  | 'handover'
  | 'cancel'
  | 'check'
  | 'job'
  | 'jobs'
  | 'result'
  | 'status'
  | 'quote'
  | 'prices'
  | 'put'
  | 'get'
  | CreditVerb;
/** What a director answers to accounts about their credits. */
export type CreditVerb =
  | 'balance'
  | 'earnings'
  | 'ledger'
  | 'transfer'
  | 'prove'
  | 'roots'
  | 'policy'
  | 'team'
  | 'teams';
/** What a director answers to workers. */
export type WorkerVerb =
  | 'progress'
  | 'provision'
  | 'next'
  | 'lease'
  | 'claim'
  | 'finish'
  | 'part'
  | 'beat'
  | 'put'
  | 'get';
/** Between directors and one who asks: to them from an account or a worker, and from them. */
export type Box = 'in-req' | 'in-wrk' | 'out-req' | 'out-wrk';
/** What a director answers to operators. */
export type OperatorVerb = 'price' | 'issue' | 'policy';

export const subjects = {
  request: (asker: Account | Asker, verb: Verb) => `aipg.req.${tokenOf(asker)}.${verb}`,
  workerRequest: (asker: WorkerId | Asker, verb: WorkerVerb) => `aipg.wrk.${tokenOf(asker)}.${verb}`,
  /** Counts the jobs of a key in a minute since 1970. */
  rate: (key: string, minute: number) => `aipg.rate.${key}.${minute}`,
  operatorRequest: (verb: OperatorVerb) => `aipg.adm.${verb}`,
  job: (kind: Kind, tier: Tier, lane: Lane, model: ModelName, account: Account) =>
    `aipg.job.${kind}.${tier}.${lane}.${encodeToken(model)}.${account}`,
  accepted: (account: Account, job: JobId) => `aipg.acc.${account}.${job}`,
  /** Answered by a client for as long as it is there. */
  client: (account: Account, client: ClientId) => `aipg.cli.${account}.${client}`,
  event: (account: Account, job: JobId) => `aipg.evt.${account}.${job}`,
  result: (account: Account, job: JobId) => `aipg.res.${account}.${job}`,
  /** What a worker is told of its jobs; asked without a word, it answers for as long as it is there. */
  controlWorker: (worker: WorkerId) => `aipg.ctl.worker.${worker}`,
  /** Where a process answers a director that asks whether it is there. */
  here: (question: string) => `aipg.here.${question}`,
  /** A piece of a large message that is kept with a job. */
  piece: (account: Account, job: JobId, sha256: Sha256, piece: number) =>
    `aipg.art.${account}.${job}.${sha256}.${piece}`,
  /** A piece of one that is on its way. @param id of an account or a worker */
  boxPiece: (box: Box, id: string, sha256: Sha256, piece: number) =>
    `aipg.box.${box}.${id}.${sha256}.${piece}`,
  /** The one subject of the ledger's stream. */
  ledger: 'aipg.led.entries',
  nextJob: (consumer: string) => `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.jobs}.${consumer}`,
} as const;

/** Where the bus tells that a stream was made. */
export function streamCreated(stream: string): string {
  return `$JS.EVENT.ADVISORY.STREAM.CREATED.${stream}`;
}

/** Subjects with wildcards, for streams and services. */
export const patterns = {
  request: (verb: Verb) => `aipg.req.*.${verb}`,
  workerRequest: (verb: WorkerVerb) => `aipg.wrk.*.${verb}`,
  jobs: 'aipg.job.>',
  /** All that one account has unfinished. */
  jobsOf: (account: Account) => `aipg.job.*.*.*.*.${account}`,
  /** All that waits for one model. */
  jobsFor: (model: ModelName) => `aipg.job.*.*.*.${encodeToken(model)}.*`,
  lane: (kind: Kind, tier: Tier, lane: Lane, model: ModelName) =>
    `aipg.job.${kind}.${tier}.${lane}.${encodeToken(model)}.*`,
  accepted: 'aipg.acc.*.*',
  events: 'aipg.evt.*.*',
  results: 'aipg.res.*.*',
  rates: 'aipg.rate.*.*',
  pieces: 'aipg.art.*.*.*.*',
  boxes: 'aipg.box.*.*.*.*',
  /** All that lies in one box. */
  box: (box: Box, id: string) => `aipg.box.${box}.${id}.*.*`,
  boxMessage: (box: Box, id: string, sha256: Sha256) => `aipg.box.${box}.${id}.${sha256}.*`,
} as const;

export const STREAMS = {
  jobs: 'AIPG_JOBS',
  accepted: 'AIPG_ACCEPTED',
  events: 'AIPG_EVENTS',
  results: 'AIPG_RESULTS',
  ledger: 'AIPG_LEDGER',
  rates: 'AIPG_RATES',
  pieces: 'AIPG_PIECES',
  boxes: 'AIPG_BOXES',
} as const;
export const BUCKETS = { workers: 'AIPG_WORKERS', artifacts: 'AIPG_ARTIFACTS' } as const;
/** The durable consumer by which directors look after accepted jobs. */
export const REAPER = 'reaper';
/** The durable consumer by which directors see every job end. */
export const SETTLER = 'settler';

/** The durable consumer that all workers of one kind, tier, lane and model share. */
export function consumerName(kind: Kind, tier: Tier, lane: JobLane, model: ModelName): string {
  return `${kind}_${tier}_${lane}_${encodeToken(model)}`;
}

/** What the name of a queue's consumer says; `undefined` for parts that it does not name. */
export function parseConsumerName(name: string): {
  readonly tier: Tier | undefined;
  readonly model: ModelName | undefined;
} {
  const [, tier, , ...rest] = name.split('_');
  // An account's own queue has its account behind the model.
  const [token = ''] = rest.join('_').split('~');
  return { tier: tierSchema.safeParse(tier).data, model: decodeToken(token) };
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

/**
 * What a subject of JetStream's acknowledgements says: `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.…`, or,
 * newer, with a domain and an account before the stream. `undefined` when it is none.
 */
export function parseLease(
  subject: string,
): { readonly consumer: string; readonly attempt: number; readonly sequence: number } | undefined {
  const tokens = subject.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9 || tokens.length > 12) return undefined;
  const stream = tokens.length === 9 ? 2 : 4;
  const [name, consumer = '', delivered, place] = tokens.slice(stream);
  const [attempt, sequence] = [Number(delivered), Number(place)];
  if (name !== STREAMS.jobs || !Number.isSafeInteger(attempt) || !Number.isSafeInteger(sequence))
    return undefined;
  return { consumer, attempt, sequence };
}

/** Whose job a record in the results' stream is of; `undefined` when the subject is not of that form. */
export function resultJob(subject: string): { readonly account: Account; readonly job: JobId } | undefined {
  const [, , account, job] = subject.split('.');
  const parsed = { account: accountSchema.safeParse(account), job: jobIdSchema.safeParse(job) };
  if (!parsed.account.success || !parsed.job.success) return undefined;
  return { account: parsed.account.data, job: parsed.job.data };
}

/** The account in a request's subject; `undefined` when the subject is not of that form. */
export function requestAccount(subject: string): Account | undefined {
  return accountSchema.safeParse(requestAsker(subject)?.id).data;
}

/** The worker in the subject of a worker's request; `undefined` when the subject is not of that form. */
export function requestWorker(subject: string): WorkerId | undefined {
  return workerIdSchema.safeParse(requestAsker(subject)?.id).data;
}

/** Who asks, with the limits of its key; `undefined` when the subject is not that of a request. */
export function requestAsker(subject: string): Asker | undefined {
  const [root, area = '', who, verb, ...rest] = subject.split('.');
  if (root !== 'aipg' || !['req', 'wrk'].includes(area) || verb === undefined || rest.length > 0)
    return undefined;
  return who === undefined ? undefined : parseAsker(who);
}

function tokenOf(asker: string | Asker): string {
  return typeof asker === 'string' ? asker : formatAsker(asker);
}

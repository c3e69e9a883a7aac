import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { AipgError, toAipgError } from '../../protocol/errors.ts';
import type { Log } from '../../protocol/log.ts';
import { readYaml } from '../../yaml/read-yaml.ts';
import { Policy } from './policy.ts';
import { type PolicyRules, policyRulesSchema } from './rules.ts';

/** Largest file of a policy, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Writes to one file come in bursts; they are looked at together, in milliseconds. */
const BURST_MS = 50;

/** A policy whose rules are in a file: read again when the file changes, or when asked to. */
export class PolicyFile implements Disposable {
  readonly path: string;
  readonly policy: Policy;
  readonly #log: Log;
  readonly #watcher: ReturnType<typeof watch>;
  #text: string;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(path: string, text: string, rules: PolicyRules, log: Log) {
    this.path = path;
    this.policy = new Policy(rules);
    this.#text = text;
    this.#log = log;
    // The folder, since editors put a new file in the place of the old one.
    this.#watcher = watch(dirname(path), (_, file) => {
      if (file !== null && file !== basename(path)) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.reload(), BURST_MS);
    });
    this.#watcher.on('error', (error) =>
      log.warn({ policy: path, reason: error.message }, 'policy not watched'),
    );
  }

  /** @throws AipgError `usage` when the file cannot be read, or telling the line of what is wrong in it */
  static async open(file: string, log: Log): Promise<PolicyFile> {
    const path = resolve(file);
    const text = await readText(path);
    const rules = parsePolicy(text, path);
    log.info({ policy: path, ...summary(rules) }, 'policy in force');
    return new PolicyFile(path, text, rules, log);
  }

  /** Reads the file again; what is wrong in it is logged, and the rules before stay in force. */
  reload(): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      try {
        const text = await readText(this.path);
        if (text === this.#text) return;
        const rules = parsePolicy(text, this.path);
        this.policy.change(rules);
        this.#text = text;
        this.#log.info({ policy: this.path, ...summary(rules) }, 'policy in force');
      } catch (error) {
        const reason = toAipgError(error).message;
        this.#log.error({ policy: this.path, reason }, 'policy not taken; the one before stays in force');
      }
    });
    return this.#reading;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher.close();
  }
}

/** @throws AipgError `usage` telling the line of what is wrong */
export function parsePolicy(text: string, path: string): PolicyRules {
  const read = readYaml(text, policyRulesSchema);
  if (read.ok) return read.value;
  const { kind, line, field, reason } = read.fault;
  const what = {
    syntax: `is not YAML: ${reason}`,
    'unknown-field': `has an unknown field, ${JSON.stringify(field)}`,
    value: field === '' ? 'is not a map of fields' : `has a fault in ${field}: ${reason}`,
  }[kind];
  throw new AipgError('usage', `The policy ${path}:${line} ${what.replace(/\.$/, '')}.`, {
    hint: `Its fields are ${Object.keys(policyRulesSchema.shape).join(', ')}; docs/operating.md tells what each holds.`,
  });
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
    throw new AipgError('usage', `The policy ${path} ${what}.`, { cause });
  }
  if (bytes.length <= MAX_BYTES) return bytes.toString('utf8');
  throw new AipgError('usage', `The policy ${path} is larger than ${MAX_BYTES} bytes.`);
}

/** Numbers for the log; patterns and accounts stay in the file. */
function summary({ blocked, models, accounts }: PolicyRules) {
  return {
    blocked: blocked.length,
    accounts: Object.keys(accounts).length,
    ...(models && { models: models.length }),
  };
}

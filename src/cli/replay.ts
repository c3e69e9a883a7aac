import process from 'node:process';
import { Flags } from '@oclif/core';
import type { Paths } from '../runtime/config/paths.ts';
import type { GridChoice } from '../runtime/config/select-grid.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { newJobId } from '../runtime/protocol/ids.ts';
import { type JobSpec, jobSpecSchema } from '../runtime/protocol/job.ts';
import type { ModelName } from '../runtime/protocol/model.ts';
import type { Answer } from './job-output.ts';
import type { JobRecord } from './job-record.ts';
import { paint } from './terminal.ts';

/** What a replay takes from its record, and nowhere else. */
const RECORDED = [
  'system',
  'max-tokens',
  'temperature',
  'top-p',
  'top-k',
  'min-p',
  'repeat-penalty',
  'seed',
  'stop',
  'raw',
  'file',
  'template',
  'param',
  'schema',
  'json-mode',
  'continue',
  'chat',
];

export const replayFlags = {
  replay: Flags.string({
    description:
      'Run a logged job again, by its id or the start of it; or what --json printed: a file (with a "." or "/" in its name), or - for stdin. stderr tells whether the answer is the same.',
    helpValue: 'ID|FILE|-',
    helpGroup: 'CONVERSATION',
    exclusive: RECORDED,
  }),
  check: Flags.boolean({
    description: 'With --replay: exit with 1 when the answer is another.',
    helpGroup: 'CONVERSATION',
    dependsOn: ['replay'],
  }),
};

export interface ReplayFlags {
  readonly replay?: string | undefined;
  readonly check?: boolean | undefined;
  readonly model?: string | undefined;
}

/**
 * The job that `--replay` names; `undefined` without it.
 * @throws AipgError `usage` when there is none or it is no record, `input-invalid` beside a prompt
 */
export async function openReplay(
  paths: Paths,
  { replay: source, check = false, model }: ReplayFlags,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Replay | undefined> {
  if (source === undefined) return undefined;
  if (words.length > 0) {
    throw new AipgError('input-invalid', '--replay has its prompt from the record: it takes no other.');
  }
  const { readRecord } = await import('./job-record.ts');
  const { record, input } = await readRecord(paths, source, signal);
  return new Replay(record, input, model ?? record.modelReference ?? record.model, check);
}

/** A recorded job, to be run again. */
export class Replay {
  /** Flags that come with the record. */
  readonly settings: { readonly model?: string };
  readonly #record: JobRecord;
  readonly #input: JobSpec['input'];
  readonly #check: boolean;

  constructor(record: JobRecord, input: JobSpec['input'], model: string | null, check: boolean) {
    this.#record = record;
    this.#input = input;
    this.#check = check;
    this.settings = model === null ? {} : { model };
  }

  /** The same prompt, settings and seed under an id of its own. */
  job({ model, timeoutMs }: { model: ModelName | undefined; timeoutMs: number | undefined }): JobSpec {
    return jobSpecSchema.parse({ id: newJobId(), model, input: this.#input, limits: { timeoutMs } });
  }

  /**
   * Looks, before anything is computed, whether this machine has the model file that answered.
   * @throws AipgError `model-not-found` when it has another under this name, and what finding it throws
   */
  async checkModel(choice: GridChoice, paths: Paths, signal: AbortSignal): Promise<void> {
    if (choice.where === 'bus') return;
    const { resolveModel } = await import('../runtime/models/resolve.ts');
    const { name, sha256 } = await resolveModel(this.settings.model, {
      env: process.env,
      cacheDir: paths.cache,
      configDir: paths.config,
      signal,
    });
    this.#sameModel(sha256, `The model ${name} on this machine`);
  }

  /**
   * Says on stderr whether the answer is the recorded one, which is returned.
   * @throws AipgError `replay-differs` when it is not and `--check` was given; `model-not-found` when a grid
   * answered with another model file
   */
  compare({ text, outcome }: Answer): boolean {
    this.#sameModel(outcome.modelSha256, `The model ${outcome.model} of this grid`);
    const { id, text: recorded, status, sampler } = this.#record;
    const whole = status === 'done';
    const same = whole ? text === recorded : text.startsWith(recorded);
    const { green, yellow } = paint(process.stderr);
    if (same) {
      const bytes = `${Buffer.byteLength(recorded)} bytes`;
      const what = whole
        ? `The answer is that of ${id}, byte for byte (${bytes}).`
        : `The answer begins as that of ${id}, which ended early (${status}), byte for byte (${bytes}).`;
      process.stderr.write(`${green(what)}\n`);
      return true;
    }
    const at = firstDifference(text, recorded);
    const samplers =
      sampler === null || sampler === outcome.sampler
        ? ''
        : ` It was sampled by ${outcome.sampler}, that one by ${sampler}.`;
    const message = `The answer is not that of ${id}: they differ from character ${at + 1} on.${samplers}`;
    if (this.#check) throw new AipgError('replay-differs', message);
    process.stderr.write(`${yellow(message)}\n`);
    return false;
  }

  #sameModel(sha256: string, which: string): void {
    const { modelSha256, model } = this.#record;
    if (modelSha256 === null || modelSha256 === sha256) return;
    throw new AipgError(
      'model-not-found',
      `${which} is not the file that answered: its sha256 is ${sha256}, and that of ${model} was ${modelSha256}.`,
      { hint: 'Name the right file: --model FILE' },
    );
  }
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

import { Args, Flags } from '@oclif/core';
import { describeIssue } from '../runtime/protocol/codec.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import type { Format } from '../runtime/protocol/format.ts';
import { newJobId } from '../runtime/protocol/ids.ts';
import { type JobSpec, jobSpecSchema } from '../runtime/protocol/job.ts';
import { LIMITS } from '../runtime/protocol/limits.ts';
import type { ModelName } from '../runtime/protocol/model.ts';
import { type Message, parseSeed, randomSeed } from '../runtime/protocol/text.ts';
import { numberFlag } from './flags.ts';

/** The words of a prompt, as many arguments as they are. */
export const promptArg = Args.string({
  multiple: true,
  ignoreStdin: true,
  description: 'Words of the prompt; `-` stands for stdin.',
});

/** Flags that say what is generated and how. */
export const textFlags = {
  system: Flags.string({
    char: 's',
    description: 'Instructions that come before the prompt.',
    helpValue: 'TEXT',
  }),
  'max-tokens': numberFlag('max-tokens', { min: 1, max: LIMITS.maxTokens, integer: true })({
    char: 'n',
    description: 'Most tokens to generate. Default: 1024; 4096 for JSON.',
    helpValue: 'N',
  }),
  temperature: numberFlag('temperature', { min: 0, max: 5 })({
    description: '0 always takes the likeliest token. Default: 0.8.',
    helpValue: 'N',
    helpGroup: 'SAMPLING',
  }),
  'top-p': numberFlag('top-p', { min: 0, max: 1, above: true })({
    description: 'Keep the likeliest tokens that have this share together. Default: 0.95.',
    helpValue: 'N',
    helpGroup: 'SAMPLING',
  }),
  'top-k': numberFlag('top-k', { min: 0, max: 1_000, integer: true })({
    description: 'Keep the k likeliest tokens; 0 is off. Default: 40.',
    helpValue: 'N',
    helpGroup: 'SAMPLING',
  }),
  'min-p': numberFlag('min-p', { min: 0, max: 1 })({
    description: "Drop tokens below this share of the likeliest one's. Default: 0.05.",
    helpValue: 'N',
    helpGroup: 'SAMPLING',
  }),
  'repeat-penalty': numberFlag('repeat-penalty', { min: 1, max: 3 })({
    description: 'Make the last 64 tokens less likely; 1 is off. Default: 1.',
    helpValue: 'N',
    helpGroup: 'SAMPLING',
  }),
  seed: Flags.string({
    description:
      'A number or any word: with the same model and settings, the same one gives the same answer. Default: random.',
    helpValue: 'N',
    helpGroup: 'SAMPLING',
  }),
  stop: Flags.string({
    description: 'End before this text; may be repeated.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'TEXT',
  }),
  raw: Flags.boolean({
    description: "Give the model the prompt as it is, without the model's chat template.",
  }),
};

export interface TextFlags {
  readonly system?: string | undefined;
  readonly 'max-tokens'?: number | undefined;
  readonly temperature?: number | undefined;
  readonly 'top-p'?: number | undefined;
  readonly 'top-k'?: number | undefined;
  readonly 'min-p'?: number | undefined;
  readonly 'repeat-penalty'?: number | undefined;
  readonly seed?: string | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly raw: boolean;
}

export interface TextJobOptions {
  readonly model: ModelName | undefined;
  readonly timeoutMs: number | undefined;
  /** What was said before the prompt, without instructions. */
  readonly history?: readonly Message[];
  readonly format?: Format | undefined;
}

/** Without --max-tokens, an answer that has to be whole may be this long, as far as the context goes. */
const FORMAT_MAX_TOKENS = 4_096;

/** @throws AipgError `usage` when the flags do not go together or a value is refused */
export function textJob(
  prompt: string,
  flags: TextFlags,
  { model, timeoutMs, history = [], format }: TextJobOptions,
): JobSpec {
  if (flags.raw && flags.system !== undefined) {
    throw new AipgError('usage', '--system needs the chat template that --raw leaves out.');
  }
  if (format !== undefined && flags.stop !== undefined && flags.stop.length > 0) {
    throw new AipgError(
      'usage',
      '--stop could cut the JSON short, so it does not go with --schema or --json-mode.',
      {
        hint: 'Leave it out: JSON has its own end.',
      },
    );
  }
  // Empty instructions are none: so a conversation is rid of its own.
  const system =
    flags.system === undefined || flags.system === '' ? [] : [{ role: 'system', content: flags.system }];
  const job = jobSpecSchema.safeParse({
    id: newJobId(),
    model,
    input: {
      prompt: flags.raw
        ? { form: 'raw', text: prompt }
        : { form: 'chat', messages: [...system, ...history, { role: 'user', content: prompt }] },
      maxTokens: flags['max-tokens'] ?? (format === undefined ? undefined : FORMAT_MAX_TOKENS),
      format,
      stop: flags.stop,
      sampling: {
        temperature: flags.temperature,
        topP: flags['top-p'],
        topK: flags['top-k'],
        minP: flags['min-p'],
        repeatPenalty: flags['repeat-penalty'],
      },
      seed: flags.seed === undefined ? randomSeed() : parseSeed(flags.seed),
    },
    limits: { timeoutMs },
  });
  if (job.success) return job.data;
  throw new AipgError('usage', `The job is invalid: ${describeIssue(job.error)}.`);
}

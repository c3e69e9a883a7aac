import { z } from 'zod';
import { didYouMean, nearest } from '../models/suggest.ts';
import { describeIssue } from '../protocol/codec.ts';
import { AipgError } from '../protocol/errors.ts';
import { jsonSchemaSchema } from '../protocol/format.ts';
import { LIMITS } from '../protocol/limits.ts';
import { messageSchema, samplingSchema, textInputSchema } from '../protocol/text.ts';
import { type InputLine, MAX_LINE_BYTES } from './lines.ts';
import { fromOpenAi, isOpenAi } from './openai.ts';

const sampling = samplingSchema.shape;
const input = textInputSchema.shape;
const stops = input.stop.unwrap();

/** As `parseCredits` takes it. */
const AMOUNT = /^\d{1,9}(?:\.\d{1,6})?$/;

/** What a line may say of how it is answered; what it leaves out is the batch's default. */
const parameters = {
  model: z.string().min(1).optional(),
  system: z.string().optional(),
  maxTokens: input.maxTokens.unwrap().optional(),
  temperature: sampling.temperature.unwrap().optional(),
  topK: sampling.topK.unwrap().optional(),
  topP: sampling.topP.unwrap().optional(),
  minP: sampling.minP.unwrap().optional(),
  repeatPenalty: sampling.repeatPenalty.unwrap().optional(),
  stop: z
    .union([z.string().transform((text) => [text]), z.array(z.string())])
    .pipe(stops)
    .optional(),
  /** The answer is JSON that satisfies this JSON Schema. */
  schema: jsonSchemaSchema.optional(),
  /** The answer is a JSON object or array. */
  jsonMode: z.boolean().optional(),
  /** The prompt goes to the model as it is, without its chat template. */
  raw: z.boolean().optional(),
  /** In milliseconds. */
  timeoutMs: z.number().int().min(1).max(LIMITS.timeoutMs).optional(),
  /** Credits that the line may cost at most, as a person writes them. */
  maxPrice: z
    .union([z.string(), z.number().transform(String)])
    .refine((text) => AMOUNT.test(text), 'must be an amount of credits such as 0.25')
    .optional(),
};

/** How a batch answers the lines that do not say it themselves. */
export const batchDefaultsSchema = z.object(parameters);
export type BatchDefaults = z.infer<typeof batchDefaultsSchema>;

const lineShape = {
  /** The user's own name of the line; comes back with its result, as does `metadata`. */
  id: z.union([z.string(), z.number()]).optional(),
  metadata: z.json().optional(),
  prompt: z.string().optional(),
  messages: z.array(messageSchema).min(1).max(LIMITS.messages).optional(),
  seed: z.union([z.string().min(1), z.number().int()]).optional(),
  ...parameters,
};
const lineSchema = z.object(lineShape);

/** One line of the input, parsed. It has a prompt or messages, not both. */
export type BatchRequest = z.infer<typeof lineSchema>;

const KEYS = Object.keys(lineShape);
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What of a line comes back with its result even when the rest of it is refused. */
export interface Tag {
  readonly id?: string | number | undefined;
  readonly metadata?: unknown;
}

/** A line that cannot be a job: its error, and what the user called it. */
export class RefusedLine extends Error {
  readonly error: AipgError;
  readonly tag: Tag;

  constructor(error: AipgError, tag: Tag) {
    super(error.message);
    this.error = error;
    this.tag = tag;
  }
}

/** @throws RefusedLine with `input-invalid`, naming the line's number */
export function parseRequest({ number, bytes }: InputLine): BatchRequest {
  let tag: Tag = {};
  const refuse = (what: string, hint?: string): never => {
    const error = new AipgError(
      'input-invalid',
      `Line ${number} ${what}.`,
      hint === undefined ? {} : { hint },
    );
    throw new RefusedLine(error, tag);
  };
  if (bytes === undefined) return refuse(`is longer than ${MAX_LINE_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    return refuse(
      error instanceof SyntaxError ? 'is not JSON' : 'is not UTF-8 text',
      'Give one JSON value a line.',
    );
  }
  if (typeof value === 'string') value = { prompt: value };
  if (!isObject(value)) return refuse('is neither a JSON object nor a string');
  if (isOpenAi(value)) value = fromOpenAi(value, refuse);
  if (!isObject(value)) return refuse('is neither a JSON object nor a string');
  tag = tagOf(value);
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    return refuse(
      `has an unknown key: ${JSON.stringify(unknown)}`,
      didYouMean(nearest(unknown, KEYS)) ?? `These are known: ${KEYS.join(', ')}.`,
    );
  }
  const request = lineSchema.safeParse(value);
  if (!request.success) return refuse(`is not valid: ${describeIssue(request.error)}`);
  const { prompt, messages } = request.data;
  if ((prompt === undefined) === (messages === undefined)) {
    return refuse(
      prompt === undefined ? 'has no prompt' : 'has both a prompt and messages',
      'Give one of them.',
    );
  }
  if (prompt?.trim() === '') return refuse('has an empty prompt');
  return request.data;
}

function tagOf(value: Record<string, unknown>): Tag {
  const { id, metadata } = value;
  return {
    ...((typeof id === 'string' || typeof id === 'number') && { id }),
    ...(metadata !== undefined && { metadata }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

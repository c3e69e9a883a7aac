import { z } from 'zod';
import { LIMITS } from '../protocol/limits.ts';
import { samplingSchema } from '../protocol/text.ts';
import { parseText, variableNameSchema } from './substitution.ts';

/** The variable that stands for what the user gives: files, stdin and words. */
export const INPUT = 'input';

const { temperature, topK, topP, minP, repeatPenalty } = samplingSchema.shape;

/** Text with variables; a fault in it is told where it stands. */
const textSchema = z.string().superRefine((text, context) => {
  const parsed = parseText(text);
  if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.reason });
});

const stopSchema = z.string().min(1).max(LIMITS.stopLength);

/** What a template's file may hold. Nothing else: a field that is misspelt must not be ignored. */
export const templateSchema = z.strictObject({
  /** One line that `aipg templates` shows. */
  description: z.string().optional(),
  /** Instructions before the prompt. */
  system: textSchema.optional(),
  /** The prompt; without it, the input is the prompt. */
  prompt: textSchema.optional(),
  /** Values of variables that are not set by the user. */
  defaults: z
    .record(
      variableNameSchema.refine(
        (name) => name !== INPUT,
        `${INPUT} is what the user gives, without a default`,
      ),
      z.union([z.string(), z.number(), z.boolean()]).transform(String),
    )
    .default({}),
  model: z.string().min(1).optional(),
  temperature: temperature.unwrap().optional(),
  topK: topK.unwrap().optional(),
  topP: topP.unwrap().optional(),
  minP: minP.unwrap().optional(),
  repeatPenalty: repeatPenalty.unwrap().optional(),
  maxTokens: z.int().min(1).max(LIMITS.maxTokens).optional(),
  stop: z.union([stopSchema.transform((text) => [text]), z.array(stopSchema).max(LIMITS.stops)]).optional(),
  /** A JSON Schema that the answer satisfies, or the path of one, relative to the template's folder. */
  schema: z.union([z.string().min(1), z.record(z.string(), z.json())]).optional(),
});

export const TEMPLATE_FIELDS = Object.keys(templateSchema.shape);

/** A template as read from its file. */
export interface Template extends z.infer<typeof templateSchema> {
  readonly name: string;
  readonly path: string;
}

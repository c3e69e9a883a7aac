import { z } from 'zod';
import { countSchema } from './numbers.ts';
import { receiptSchema } from './receipt.ts';

/**
 * What a worker says that it has streamed of a job that was ended before it was done, by which it is paid: the whole
 * output so far, that of earlier attempts included. Of a sealed job text and tokens are empty.
 */
export const partSchema = z.object({
  text: z.string(),
  tokens: z.array(countSchema),
  receipt: receiptSchema,
});
export type Part = z.infer<typeof partSchema>;

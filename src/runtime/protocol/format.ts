import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** A JSON Schema as an object; what its keywords mean is for whoever enforces them. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A JSON Schema of bounded size and depth. */
export const jsonSchemaSchema = z
  .custom<JsonSchema>(isPlainObject, 'must be an object')
  .superRefine((schema, context) => {
    if (depthOf(schema, LIMITS.schemaDepth) > LIMITS.schemaDepth) {
      context.addIssue({ code: 'custom', message: `is nested deeper than ${LIMITS.schemaDepth} levels` });
    } else if (Buffer.byteLength(JSON.stringify(schema)) > LIMITS.schemaBytes) {
      context.addIssue({ code: 'custom', message: `is larger than ${LIMITS.schemaBytes} bytes` });
    }
  });

/** What form an output has: any JSON object or array, or JSON that satisfies a schema. Absent: free text. */
export const formatSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('json') }),
  z.strictObject({ type: z.literal('schema'), schema: jsonSchemaSchema }),
]);
export type Format = z.infer<typeof formatSchema>;

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Levels of objects and arrays; looks no deeper than one below the limit. */
function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (limit === 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, limit - 1));
  return 1 + deepest;
}

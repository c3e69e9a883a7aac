import { z } from 'zod';
import { decode, mayHold } from './codec.ts';
import { AipgError } from './errors.ts';
import { failureSchema } from './events.ts';

/** The answer to a request that was refused. */
export const refusalSchema = z.object({ error: failureSchema });

/** What a director refused with; `undefined` for any other answer. */
export function refusalIn(data: Uint8Array): AipgError | undefined {
  if (!mayHold(data, 'error')) return undefined;
  const refusal = decode(refusalSchema, data);
  if (!refusal.ok) return undefined;
  const { code, message, hint } = refusal.value.error;
  return new AipgError(code, message, hint === undefined ? {} : { hint });
}

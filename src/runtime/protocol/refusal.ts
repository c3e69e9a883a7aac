import { decode } from './codec.ts';
import { AipgError } from './errors.ts';
import { refusalSchema } from './requests.ts';

/** What a director refused with; `undefined` for any other answer. */
export function refusalIn(data: Uint8Array): AipgError | undefined {
  const refusal = decode(refusalSchema, data);
  if (!refusal.ok) return undefined;
  const { code, message, hint } = refusal.value.error;
  return new AipgError(code, message, hint === undefined ? {} : { hint });
}

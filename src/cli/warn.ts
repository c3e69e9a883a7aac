import process from 'node:process';
import type { AipgError } from '../runtime/protocol/errors.ts';
import { paint } from './terminal.ts';

/** Says on stderr what went wrong beside the work itself, which goes on. */
export function warn(error: AipgError, { json = false }: { json?: boolean | undefined } = {}): void {
  if (json) {
    process.stderr.write(`${JSON.stringify({ warning: error.toJSON() })}\n`);
    return;
  }
  const { yellow, dim } = paint(process.stderr);
  process.stderr.write(`${yellow('warning:')} ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`${dim(error.hint)}\n`);
}

import { createHash } from 'node:crypto';
import { LIMITS } from '../protocol/limits.ts';
import { type ModelName, modelNameSchema } from '../protocol/model.ts';
import { splitPartOf } from './gguf-files.ts';

/** What most people want of a model: a quarter of the size for little loss. */
export const PREFERRED_QUANT = 'Q4_K_M';

const QUANT =
  /(?<![A-Za-z0-9])(?:UD-)?(?:I?Q[1-8](?:_[A-Z0-9]+)*|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|F16|FP16|F32|FP32)(?![A-Za-z0-9])/gi;

/**
 * The quantisation that a file's name tells, in upper case, such as `Q4_K_M`, `UD-Q2_K_XL` or `F16`; the last one
 * wins, and a folder's name counts when the file's own tells nothing.
 */
export function quantOf(path: string): string | undefined {
  for (const segment of path.split('/').reverse()) {
    const quant = segment.match(QUANT)?.at(-1);
    if (quant) return quant.toUpperCase();
  }
  return undefined;
}

/** Under which name a grid serves a file of the hub: `org/repo:QUANT`, or `org/repo:file.gguf` if no quant is told. */
export function hubModelName(repo: string, file: string): ModelName {
  return toModelName(`${repo}:${quantOf(file) ?? file}`);
}

/** Under which name a grid serves a file of this machine: its base name without extension and part number. */
export function pathModelName(path: string): ModelName {
  const base = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return toModelName(splitPartOf(base)?.stem ?? base.replace(/\.gguf$/i, ''));
}

/** Makes any text a valid name: control characters become `-`; too long ones end in a hash that keeps them apart. */
function toModelName(text: string): ModelName {
  const clean = text.toWellFormed().replace(/\p{Cc}/gu, '-') || 'model';
  if (Buffer.byteLength(clean) <= LIMITS.modelNameBytes) return modelNameSchema.parse(clean);
  const suffix = `~${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
  let short = '';
  let bytes = suffix.length;
  for (const character of clean) {
    bytes += Buffer.byteLength(character);
    if (bytes > LIMITS.modelNameBytes) break;
    short += character;
  }
  return modelNameSchema.parse(short + suffix);
}

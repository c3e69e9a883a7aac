import { ByteCursor } from './byte-cursor.ts';
import type { ByteSource } from './byte-source.ts';
import { NO_WEIGHTS, type Weights, withTensor } from './weights.ts';

/**
 * A value of a header's metadata. Of a list of texts (a vocabulary has hundreds of thousands) or a long list only the
 * length is kept.
 */
export type GgufValue = string | number | boolean | readonly number[] | { readonly length: number };

/** What the head of a GGUF file holds, as far as it is of use before the model is loaded. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Number of weights in this file. */
  readonly parameters: number;
  readonly tensors: number;
  /** The same weights, by how often a token uses them. */
  readonly weights: Weights;
}

/** How far a header may reach into its file, in bytes. The largest known ones have some 20 million. */
const MAX_HEADER_BYTES = 128 * 1_024 * 1_024;
const MAX_KEYS = 65_536;
const MAX_TENSORS = 1_000_000;
const MAX_NAME_BYTES = 65_535;
/** A longer text is passed over. */
const MAX_TEXT_BYTES = 1_024 * 1_024;
/** Of a longer list only the length is kept. */
const MAX_LIST = 1_024;
/** Of all that is kept together, as it lies in the file. */
const MAX_KEPT_BYTES = 8 * 1_024 * 1_024;
const MAX_DIMENSIONS = 8;
const MAX_DEPTH = 4;

const STRING = 8;
const LIST = 9;

/** Size in bytes of each type of value, and how it is read. */
const NUMBERS: Readonly<Record<number, readonly [bytes: number, read: (bytes: Buffer) => number | boolean]>> =
  {
    0: [1, (bytes) => bytes.readUInt8()],
    1: [1, (bytes) => bytes.readInt8()],
    2: [2, (bytes) => bytes.readUInt16LE()],
    3: [2, (bytes) => bytes.readInt16LE()],
    4: [4, (bytes) => bytes.readUInt32LE()],
    5: [4, (bytes) => bytes.readInt32LE()],
    6: [4, (bytes) => bytes.readFloatLE()],
    7: [1, (bytes) => bytes.readUInt8() !== 0],
    10: [8, (bytes) => Number(bytes.readBigUInt64LE())],
    11: [8, (bytes) => Number(bytes.readBigInt64LE())],
    12: [8, (bytes) => bytes.readDoubleLE()],
  };

/**
 * Reads the header of a GGUF file of version 2 or 3. Nothing in it is trusted: time and memory are bounded by the
 * limits above, whatever it claims. A list of numbers is passed over without being fetched.
 * @throws AipgError `model-invalid`, and what the source throws
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const cursor = new ByteCursor(source, MAX_HEADER_BYTES);
  if (source.bytes < 24) throw cursor.invalid('is no GGUF file');
  await cursor.need(24);
  if (cursor.take(4).toString('latin1') !== 'GGUF') throw cursor.invalid('is no GGUF file');
  const version = cursor.u32();
  if (version !== 2 && version !== 3)
    throw cursor.invalid(`is a GGUF file of version ${version}, not 2 or 3`);
  const tensors = cursor.u64();
  const keys = cursor.u64();
  if (tensors > MAX_TENSORS || keys > MAX_KEYS) {
    throw cursor.invalid(`claims to have ${tensors} tensors and ${keys} keys`);
  }
  const metadata = await readMetadata(cursor, keys);
  const { parameters, weights } = await countWeights(cursor, tensors);
  // Not even at one bit a weight.
  if (parameters > 8 * source.bytes) throw cursor.invalid(`claims more weights than it has room for`);
  return { metadata, parameters, tensors, weights };
}

async function readMetadata(cursor: ByteCursor, keys: number): Promise<Map<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>();
  let kept = 0;
  for (let index = 0; index < keys; index++) {
    const key = await readName(cursor);
    await cursor.need(4);
    const type = cursor.u32();
    const start = cursor.position;
    const value = await readValue(cursor, type, 0);
    if (value === undefined) continue;
    metadata.set(key, value);
    kept += key.length + (isKept(value) ? cursor.position - start : 0);
    if (kept > MAX_KEPT_BYTES) throw cursor.invalid(`has more than ${MAX_KEPT_BYTES} bytes of metadata`);
  }
  return metadata;
}

function isKept(value: GgufValue): boolean {
  return typeof value !== 'object' || Array.isArray(value);
}

async function readName(cursor: ByteCursor): Promise<string> {
  await cursor.need(8);
  const length = cursor.u64();
  if (length > MAX_NAME_BYTES) throw cursor.invalid(`has a name of ${length} bytes in its header`);
  await cursor.need(length);
  return cursor.take(length).toString('utf8');
}

/** @returns undefined for a text that is too long */
async function readValue(cursor: ByteCursor, type: number, depth: number): Promise<GgufValue | undefined> {
  if (type === STRING) {
    await cursor.need(8);
    const length = cursor.u64();
    if (length > MAX_TEXT_BYTES) {
      cursor.skip(length);
      return undefined;
    }
    await cursor.need(length);
    return cursor.take(length).toString('utf8');
  }
  if (type === LIST) return readList(cursor, depth);
  const [bytes, read] = numberType(cursor, type);
  await cursor.need(bytes);
  return read(cursor.take(bytes));
}

async function readList(cursor: ByteCursor, depth: number): Promise<GgufValue> {
  if (depth === MAX_DEPTH) throw cursor.invalid('has lists of lists of lists in its header');
  await cursor.need(12);
  const type = cursor.u32();
  const length = cursor.u64();
  if (type === LIST) {
    for (let index = 0; index < length; index++) await readList(cursor, depth + 1);
    return { length };
  }
  if (type === STRING) {
    await skipTexts(cursor, length);
    return { length };
  }
  const [bytes, read] = numberType(cursor, type);
  if (length > MAX_LIST) {
    cursor.skip(length * bytes);
    return { length };
  }
  await cursor.need(length * bytes);
  return Array.from({ length }, () => Number(read(cursor.take(bytes))));
}

/** Without waiting between two texts: a vocabulary has hundreds of thousands. */
async function skipTexts(cursor: ByteCursor, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    if (cursor.buffered < 8) await cursor.need(8);
    cursor.skip(cursor.u64());
  }
}

async function countWeights(
  cursor: ByteCursor,
  tensors: number,
): Promise<{ parameters: number; weights: Weights }> {
  let parameters = 0;
  let weights = NO_WEIGHTS;
  for (let index = 0; index < tensors; index++) {
    const name = await readName(cursor);
    await cursor.need(4);
    const count = cursor.u32();
    if (count > MAX_DIMENSIONS) throw cursor.invalid(`has a tensor of ${count} dimensions`);
    // The type (4 bytes) and the offset (8 bytes) follow the dimensions.
    await cursor.need(8 * count + 12);
    const dimensions = Array.from({ length: count }, () => cursor.u64());
    const type = cursor.u32();
    cursor.skip(8);
    parameters += dimensions.reduce((product, dimension) => product * dimension, 1);
    weights = withTensor(weights, { name, dimensions, type });
  }
  return { parameters, weights };
}

function numberType(cursor: ByteCursor, type: number) {
  const known = NUMBERS[type];
  if (!known) throw cursor.invalid(`has a value of the unknown type ${type} in its header`);
  return known;
}

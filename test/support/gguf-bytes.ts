/** GGUF's numbers for the types of values. */
export const VALUE_TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
/** And for those of tensors. */
export const TENSOR_TYPE = { f32: 0, f16: 1 } as const;
/** Where a tensor may begin, in bytes, if the metadata says nothing else. */
const ALIGNMENT = 32;

/** The first 24 bytes, which say how much of each follows. */
export function ggufStart(tensors: number | bigint, keys: number | bigint, version = 3): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(version), u64(tensors), u64(keys)]);
}

/** One entry of the metadata. */
export function entry(name: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([text(name), u32(type), value]);
}

/** An entry that is a list. */
export function list(name: string, type: number, values: readonly Buffer[]): Buffer {
  return entry(name, VALUE_TYPE.array, listValue(type, values));
}

export function listValue(type: number, values: readonly Buffer[]): Buffer {
  return Buffer.concat([u32(type), u64(values.length), ...values]);
}

/** One row of the table of tensors. @param offset of its data, in bytes from the first tensor's */
export function tensorRow(name: string, shape: readonly number[], type: number, offset: number): Buffer {
  return Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]);
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

/** The next place at which a tensor may begin. */
export function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

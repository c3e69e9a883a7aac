/** A value as a header's metadata holds it: whole numbers as uint32, others as float32. */
export type TestValue = string | number | boolean | readonly string[] | readonly number[];

export interface TestGguf {
  readonly metadata?: Readonly<Record<string, TestValue>>;
  readonly tensors?: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** ggml's number. Default: F32. */
    readonly type?: number;
  }[];
  /** Bytes of weights that follow the header. */
  readonly dataBytes?: number;
}

const TYPE = { uint32: 4, float32: 6, bool: 7, string: 8, array: 9 } as const;
const F32 = 0;

/** A GGUF file of version 3 with any header; its weights are zeros. */
export function ggufFile({ metadata = {}, tensors = [], dataBytes = 0 }: TestGguf): Buffer {
  return Buffer.concat([
    ggufStart(tensors.length, Object.keys(metadata).length),
    ...Object.entries(metadata).map(([key, value]) => ggufKey(key, value)),
    ...tensors.flatMap(({ name, shape, type = F32 }) => [
      text(name),
      u32(shape.length),
      ...shape.map(u64),
      u32(type),
      u64(0),
    ]),
    Buffer.alloc(dataBytes),
  ]);
}

/** The first 24 bytes, which say how much of each follows. */
export function ggufStart(tensors: number | bigint, keys: number | bigint, version = 3): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(version), u64(tensors), u64(keys)]);
}

export function ggufKey(key: string, value: TestValue): Buffer {
  const [type, bytes] = typed(value);
  return Buffer.concat([text(key), u32(type), bytes]);
}

/** The start of a list, which claims a type and a length. */
export function ggufList(key: string, type: number, length: number | bigint): Buffer {
  return Buffer.concat([text(key), u32(TYPE.array), u32(type), u64(length)]);
}

function typed(value: TestValue): readonly [number, Buffer] {
  if (typeof value === 'string') return [TYPE.string, text(value)];
  if (typeof value === 'boolean') return [TYPE.bool, Buffer.from([value ? 1 : 0])];
  if (typeof value === 'number') {
    return Number.isInteger(value) ? [TYPE.uint32, u32(value)] : [TYPE.float32, f32(value)];
  }
  const items = value.map(typed);
  const type = items[0]?.[0] ?? TYPE.uint32;
  return [TYPE.array, Buffer.concat([u32(type), u64(items.length), ...items.map(([, bytes]) => bytes)])];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

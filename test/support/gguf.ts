import {
  entry,
  f32,
  ggufStart,
  listValue,
  TENSOR_TYPE,
  tensorRow,
  text,
  u32,
  u64,
  VALUE_TYPE,
} from './gguf-bytes.ts';

export { ggufStart };

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

/** A GGUF file of version 3 with any header; its weights are zeros. */
export function ggufFile({ metadata = {}, tensors = [], dataBytes = 0 }: TestGguf): Buffer {
  return Buffer.concat([
    ggufStart(tensors.length, Object.keys(metadata).length),
    ...Object.entries(metadata).map(([key, value]) => ggufKey(key, value)),
    ...tensors.map(({ name, shape, type = TENSOR_TYPE.f32 }) => tensorRow(name, shape, type, 0)),
    Buffer.alloc(dataBytes),
  ]);
}

export function ggufKey(key: string, value: TestValue): Buffer {
  return entry(key, ...typed(value));
}

/** The start of a list, which claims a type and a length. */
export function ggufList(key: string, type: number, length: number | bigint): Buffer {
  return entry(key, VALUE_TYPE.array, Buffer.concat([u32(type), u64(length)]));
}

function typed(value: TestValue): readonly [number, Buffer] {
  if (typeof value === 'string') return [VALUE_TYPE.string, text(value)];
  if (typeof value === 'boolean') return [VALUE_TYPE.bool, Buffer.from([value ? 1 : 0])];
  if (typeof value === 'number') {
    return Number.isInteger(value) ? [VALUE_TYPE.uint32, u32(value)] : [VALUE_TYPE.float32, f32(value)];
  }
  const items = value.map(typed);
  const type = items[0]?.[0] ?? VALUE_TYPE.uint32;
  const values = items.map(([, bytes]) => bytes);
  return [VALUE_TYPE.array, listValue(type, values)];
}

import type { GgufTensorInfo } from 'node-llama-cpp';
import { bytesOfValues } from '../../gguf/tensor-types.ts';

/** Number of a tensor's values. */
export function tensorValues(tensor: GgufTensorInfo): number {
  return tensor.dimensions.reduce<number>((product, dimension) => product * Number(dimension), 1);
}

/** Bytes that a tensor takes in its file; 0, so that nothing is concluded, of a type that is not known here. */
export function tensorBytes(tensor: GgufTensorInfo): number {
  return bytesOfValues(tensor.ggmlType, tensorValues(tensor));
}

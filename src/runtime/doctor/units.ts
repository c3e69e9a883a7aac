/** Bytes as gigabytes of 10⁹, with one decimal: `7.8 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

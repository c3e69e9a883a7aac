/** Which lines of a batch are in its output: one bit a line. */
export class DoneLines {
  #bits: Uint8Array;
  #count = 0;
  #highest = -1;

  /** @param lines how many there are, if known */
  constructor(lines = 0) {
    this.#bits = new Uint8Array((lines + 7) >>> 3);
  }

  get count(): number {
    return this.#count;
  }

  /** Of those that are done; -1 when none is. */
  get highest(): number {
    return this.#highest;
  }

  has(index: number): boolean {
    return ((this.#bits[Math.floor(index / 8)] ?? 0) & (1 << (index % 8))) !== 0;
  }

  /** False when it was there already. */
  add(index: number): boolean {
    if (this.has(index)) return false;
    const byte = Math.floor(index / 8);
    if (byte >= this.#bits.length) {
      const longer = new Uint8Array(Math.max(byte + 1, 2 * this.#bits.length));
      longer.set(this.#bits);
      this.#bits = longer;
    }
    this.#bits[byte] = (this.#bits[byte] as number) | (1 << (index % 8));
    this.#count += 1;
    this.#highest = Math.max(this.#highest, index);
    return true;
  }
}

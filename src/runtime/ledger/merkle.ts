import { hash } from 'node:crypto';

// Merkle trees as of RFC 9162, section 2.1 (the same as RFC 6962's): leaves and nodes are hashed with different first
// bytes, so that neither can pass for the other. A leaf's content here is the hash of an entry, as 32 bytes.

const LEAF = Buffer.alloc(33, 0x00);
const NODE = Buffer.alloc(65, 0x01);

/** @param entryHash 64 hex digits, as is all that is returned */
export function leafHash(entryHash: string): string {
  LEAF.write(entryHash, 1, 'hex');
  return hash('sha256', LEAF);
}

function nodeHash(left: string, right: string): string {
  NODE.write(left, 1, 'hex');
  NODE.write(right, 33, 'hex');
  return hash('sha256', NODE);
}

/** A tree that grows leaf by leaf and keeps only the roots of its full subtrees: one for each 1 bit of its size. */
export class MerkleTree {
  #size = 0;
  #roots: string[] = [];

  get size(): number {
    return this.#size;
  }

  add(entryHash: string): void {
    let root = leafHash(entryHash);
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      root = nodeHash(this.#roots.pop() ?? '', root);
    }
    this.#roots.push(root);
    this.#size += 1;
  }

  /** The hash of an empty string for an empty tree. */
  root(): string {
    if (this.#size === 0) return hash('sha256', '');
    return this.#roots.reduceRight((right, left) => nodeHash(left, right));
  }

  copy(): MerkleTree {
    const copy = new MerkleTree();
    copy.#size = this.#size;
    copy.#roots = [...this.#roots];
    return copy;
  }
}

/** The root over these entries. */
export function merkleRoot(entryHashes: readonly string[]): string {
  const tree = new MerkleTree();
  for (const entryHash of entryHashes) tree.add(entryHash);
  return tree.root();
}

/** All hashes of a tree: the leaves' first, each next level half as many, up to the root. */
export function treeLevels(entryHashes: readonly string[]): string[][] {
  let level = entryHashes.map(leafHash);
  const levels = [level];
  while (level.length > 1) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) => {
      const [left = '', right] = [below[2 * i], below[2 * i + 1]];
      return right === undefined ? left : nodeHash(left, right);
    });
    levels.push(level);
  }
  return levels;
}

/** The hashes that lead from a leaf to the root, the lowest first (RFC 9162, section 2.1.3.1). */
export function proofFrom(levels: readonly (readonly string[])[], index: number): string[] {
  if (!(index >= 0 && index < (levels[0]?.length ?? 0))) throw new RangeError(`There is no leaf ${index}.`);
  let place = index;
  const proof: string[] = [];
  for (const level of levels.slice(0, -1)) {
    const sibling = level[place % 2 === 0 ? place + 1 : place - 1];
    if (sibling !== undefined) proof.push(sibling);
    place = half(place);
  }
  return proof;
}

/** The root that a proof leads to (RFC 9162, section 2.1.3.2); `undefined` for a proof of another tree's shape. */
export function rootOfProof(
  entryHash: string,
  index: number,
  size: number,
  proof: readonly string[],
): string | undefined {
  if (!(index >= 0 && index < size)) return undefined;
  let [place, last] = [index, size - 1];
  let root = leafHash(entryHash);
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (place % 2 === 1 || place === last) {
      root = nodeHash(sibling, root);
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else root = nodeHash(root, sibling);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 ? root : undefined;
}

function half(count: number): number {
  return Math.floor(count / 2);
}

import type { PatternNode } from './pattern.ts';

/** Whether the empty text is one of its texts. */
export function canBeEmpty(node: PatternNode): boolean {
  switch (node.kind) {
    case 'characters':
      return false;
    case 'sequence':
      return node.nodes.every(canBeEmpty);
    case 'choice':
      return node.nodes.some(canBeEmpty);
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.node);
  }
}

/** Characters and choices, with repetitions counted out. */
export function sizeOf(node: PatternNode): number {
  switch (node.kind) {
    case 'characters':
      return 1;
    case 'sequence':
    case 'choice':
      return node.nodes.reduce((sum, inner) => sum + sizeOf(inner), 1);
    case 'repeat':
      return 1 + sizeOf(node.node) * Math.max(1, Number.isFinite(node.max) ? node.max : node.min);
  }
}

export interface Extent {
  /** Places that one text may have reached at once. */
  readonly width: number;
  /** Characters of every text of it; undefined where they differ. */
  readonly length: number | undefined;
}

/** Where all texts are of one length, how far a text has come tells which part it is in. */
export function extentOf(node: PatternNode): Extent {
  switch (node.kind) {
    case 'characters':
      return { width: 1, length: 1 };
    case 'sequence': {
      const parts = node.nodes.map(extentOf);
      const fixed = parts.filter(({ length }) => length !== undefined);
      const open = parts.filter(({ length }) => length === undefined);
      return {
        width: open.reduce((sum, { width }) => sum + width, Math.max(1, ...fixed.map(({ width }) => width))),
        length: open.length > 0 ? undefined : fixed.reduce((sum, { length }) => sum + (length ?? 0), 0),
      };
    }
    case 'choice': {
      const parts = node.nodes.map(extentOf);
      const lengths = new Set(parts.map(({ length }) => length));
      return {
        width: parts.reduce((sum, { width }) => sum + width, 0),
        length: lengths.size === 1 ? parts[0]?.length : undefined,
      };
    }
    case 'repeat': {
      const { width, length } = extentOf(node.node);
      const times = Math.max(1, Number.isFinite(node.max) ? node.max : node.min);
      if (length === undefined) return { width: width * times + 1, length };
      return node.min === node.max
        ? { width, length: length * node.min }
        : { width: width + 1, length: undefined };
    }
  }
}

/** The oldest nats-server with all that the grid needs: atomic batch publish, message TTLs and schedules. */
export const MIN_BUS_SERVER_VERSION = '2.12.0';

/** What may stand in a version; also keeps a version safe as a part of a file name. */
export const VERSION_PATTERN = String.raw`\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?`;

const VERSION_LINE = new RegExp(String.raw`^nats-server:?\s+(?:version\s+)?v?(${VERSION_PATTERN})`, 'm');

/** Reads the output of `nats-server --version`; undefined when some other program wrote it. */
export function parseBusServerVersion(output: string): string | undefined {
  return VERSION_LINE.exec(output)?.[1];
}

/** Orders two versions as Semantic Versioning 2.0 does: negative when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return (
    compareParts(left.core, right.core) ||
    Number(right.pre.length > 0) - Number(left.pre.length > 0) ||
    compareParts(left.pre, right.pre)
  );
}

export function isSupportedVersion(version: string): boolean {
  return compareVersions(version, MIN_BUS_SERVER_VERSION) >= 0;
}

function split(version: string): { core: string[]; pre: string[] } {
  const dash = version.indexOf('-');
  return dash < 0
    ? { core: version.split('.'), pre: [] }
    : { core: version.slice(0, dash).split('.'), pre: version.slice(dash + 1).split('.') };
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const order = comparePart(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function comparePart(a: string, b: string): number {
  const numeric = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numeric[0] && numeric[1]) return Number(a) - Number(b);
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}

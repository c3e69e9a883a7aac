import { access, readFile } from 'node:fs/promises';
import { runCommand } from './command.ts';

/** A suite of a distribution whose signature this machine can check. */
export interface DebianSuite {
  /** Mirrors that this machine already uses, the likeliest first. */
  readonly sites: readonly string[];
  readonly suite: string;
  readonly component: string;
  readonly keyring: string;
  /** dpkg's name of this machine's architecture. */
  readonly architecture: string;
}

interface Distribution {
  readonly name: 'debian' | 'ubuntu';
  readonly newestSuite: string;
  readonly component: string;
  readonly keyrings: readonly string[];
}

const KEYRINGS = '/usr/share/keyrings';
const UBUNTU: Distribution = {
  name: 'ubuntu',
  newestSuite: 'devel',
  component: 'universe',
  keyrings: [`${KEYRINGS}/ubuntu-archive-keyring.gpg`, `${KEYRINGS}/ubuntu-archive-keyring.pgp`],
};
const DEBIAN: Distribution = {
  name: 'debian',
  newestSuite: 'sid',
  component: 'main',
  keyrings: [`${KEYRINGS}/debian-archive-keyring.gpg`, `${KEYRINGS}/debian-archive-keyring.pgp`],
};

const TIMEOUT_MS = 30_000;
const MAX_SITES = 3;

/** Learns from this machine's apt where its distribution's newest packages are. @throws Error in one line */
export async function findDebianSuite(signal?: AbortSignal): Promise<DebianSuite> {
  const distribution = parseDistribution(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  if (distribution === undefined) throw new Error('this is neither Debian nor Ubuntu');
  const keyring = await firstExisting(distribution.keyrings);
  if (keyring === undefined) throw new Error(`no archive keyring of ${distribution.name} in ${KEYRINGS}`);
  const targets = await output('apt-get', ['indextargets', '--format', '$(SITE)'], signal);
  const sites = rankSites(targets.split('\n'), distribution.name).slice(0, MAX_SITES);
  if (sites.length === 0) throw new Error('apt knows no mirror');
  return {
    sites,
    suite: distribution.newestSuite,
    component: distribution.component,
    keyring,
    architecture: (await output('dpkg', ['--print-architecture'], signal)).trim(),
  };
}

/** Reads os-release(5); a derivative counts as what its `ID_LIKE` names. */
export function parseDistribution(osRelease: string): Distribution | undefined {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap((match) =>
    (match[1] ?? '').replaceAll(/["']/g, '').split(/\s+/),
  );
  return [UBUNTU, DEBIAN].find(({ name }) => ids.includes(name));
}

/** Orders the mirrors: the distribution's own before others', security updates last, the most used first. */
export function rankSites(sites: readonly string[], distribution: string): string[] {
  const uses = new Map<string, number>();
  for (const site of sites) if (/^[a-z+]+:/.test(site)) uses.set(site, (uses.get(site) ?? 0) + 1);
  const score = ([site, count]: [string, number]) =>
    (site.includes(distribution) ? 2_000 : 0) -
    (site.includes('security') ? 1_000 : 0) +
    Math.min(count, 999);
  return [...uses].sort((a, b) => score(b) - score(a)).map(([site]) => site);
}

async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
}

async function output(
  file: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const result = await runCommand(file, args, { timeoutMs: TIMEOUT_MS, signal });
  if (!result.ok) throw new Error(`${file}: ${result.problem}`);
  return result.stdout;
}

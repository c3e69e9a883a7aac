import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { type DebianSuite, findDebianSuite } from './debian-mirror.ts';
import type { FetchOptions } from './release.ts';
import { unpackMember } from './unpack.ts';

const PACKAGE = 'nats-server';
const MEMBER = './usr/sbin/nats-server';
const TIMEOUT_MS = 5 * 60_000;

/** Hooks of this machine's apt that must not run for an index of ours. */
const APT_CONFIG = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`;

/**
 * Fetches the executable of the distribution's own package, without root, from a mirror that this machine already
 * uses. apt checks the archive's signature with the distribution's keyring, and the package against it.
 * @throws Error in one line
 */
export async function fetchDebian(fetch: FetchOptions): Promise<string> {
  const { stagingDir, signal, onProgress } = fetch;
  const suite = await findDebianSuite(signal);
  const problems: string[] = [];
  for (const [index, site] of suite.sites.entries()) {
    onProgress({ source: 'debian', step: 'index', detail: `${site} ${suite.suite}` });
    const dir = join(stagingDir, `apt-${index}`);
    const apt = await privateApt(dir, suite, site, signal);
    const problem = (await apt('update')) ?? (await downloadFrom(apt, onProgress));
    if (problem === undefined) {
      onProgress({ source: 'debian', step: 'unpack', detail: PACKAGE });
      return unpackPackage(dir, signal);
    }
    problems.push(`${site}: ${problem}`);
    if (signal?.aborted) break;
  }
  throw new Error(problems.join(', '));
}

type Apt = (...command: string[]) => Promise<string | undefined>;

async function downloadFrom(apt: Apt, onProgress: FetchOptions['onProgress']): Promise<string | undefined> {
  onProgress({ source: 'debian', step: 'download', detail: PACKAGE });
  return apt('download', PACKAGE);
}

/** apt-get with state of its own in `dir`; its commands resolve to a problem, or to undefined when they worked. */
async function privateApt(
  dir: string,
  { suite, component, keyring, architecture }: DebianSuite,
  site: string,
  signal: AbortSignal | undefined,
): Promise<Apt> {
  await mkdir(join(dir, 'lists', 'partial'), { recursive: true });
  await mkdir(join(dir, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(dir, 'apt.conf'), APT_CONFIG);
  const options = `arch=${architecture} target=Packages signed-by=${keyring}`;
  await writeFile(join(dir, 'sources.list'), `deb [${options}] ${site} ${suite} ${component}\n`);
  const settings = [
    `Dir::Etc::sourcelist=${join(dir, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    'Dir::Etc::preferences=/dev/null',
    'Dir::Etc::preferencesparts=/dev/null',
    `Dir::State::lists=${join(dir, 'lists')}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${join(dir, 'cache')}`,
    'APT::Default-Release=',
    'APT::Sandbox::User=root',
    'APT::Update::Error-Mode=any',
    'APT::Get::AllowUnauthenticated=false',
    'Acquire::AllowInsecureRepositories=false',
    'Acquire::AllowDowngradeToInsecureRepositories=false',
    'Acquire::Languages=none',
    'Acquire::Retries=0',
    'Acquire::http::Timeout=10',
    'Acquire::https::Timeout=10',
  ].flatMap((setting) => ['-o', setting]);
  return async (...command) => {
    const args = ['-q', '-c', join(dir, 'apt.conf'), ...settings, ...command];
    const env = { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    const result = await runCommand('apt-get', args, { cwd: dir, env, timeoutMs: TIMEOUT_MS, signal });
    return result.ok ? undefined : result.problem;
  };
}

async function unpackPackage(dir: string, signal: AbortSignal | undefined): Promise<string> {
  const deb = (await readdir(dir)).find((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt-get downloaded no package');
  const archive = join(dir, 'data.tar');
  const options = { timeoutMs: TIMEOUT_MS, signal, stdoutFile: archive };
  const result = await runCommand('dpkg-deb', ['--fsys-tarfile', join(dir, deb)], options);
  if (!result.ok) throw new Error(`dpkg-deb: ${result.problem}`);
  const file = join(dir, PACKAGE);
  await unpackMember({ archive, member: MEMBER, file, signal });
  return file;
}

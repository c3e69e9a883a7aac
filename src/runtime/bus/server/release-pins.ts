import { endianness } from 'node:os';
import process from 'node:process';

/** The official release that is fetched where no server is found. */
export const RELEASE_VERSION = '2.15.0';

/** One archive of an official release. */
export interface ReleaseAsset {
  /** The archive's name, below `<base URL>/v<version>/`. */
  readonly name: string;
  readonly version: string;
  /** Of the archive, lower-case hex. */
  readonly sha256: string;
  /** The executable's path within the archive. */
  readonly member: string;
}

/** From the release's SHA256SUMS; keys are Go's names of platforms, as in the assets' names. */
const SHA256: Readonly<Record<string, string>> = {
  'darwin-amd64': '5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95',
  'darwin-arm64': 'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8',
  'linux-386': 'f572eccdbb35ab5c7fef7703a5b6ca49e55d039e441920ba5478972ecdcf7a47',
  'linux-amd64': '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
  'linux-arm6': 'e29421c251dda2003d16b8d503124a0d690d05f4e018923be7e5e64b446e42c2',
  'linux-arm64': 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
  'linux-arm7': 'ec5f4689d017e07cfa18442e10da051c0f3f9dd2e7f4dc7cdb55a11f1303c952',
  'linux-ppc64le': 'a402bf73f91f674735cc85aa0e7d06d5dfa3044b98cda6ea9937cfee4e05a266',
  'linux-s390x': 'ac50bf4adc8fa6db575ed9293417b6fbec746e71cc9d360aea5cd447e4207bfc',
  'windows-amd64': '2d0861dc2ca3567d17f7d19611d7b346cc2ccbd7086a0a77cc957a2c71663200',
};

/** The pinned archive for a machine (default: this one), or undefined where the release has none. */
export function pinnedRelease(
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
): ReleaseAsset | undefined {
  const os = platform === 'win32' ? 'windows' : platform;
  const cpu = goArch(arch);
  const sha256 = cpu === undefined ? undefined : SHA256[`${os}-${cpu}`];
  if (sha256 === undefined) return undefined;
  const folder = `nats-server-v${RELEASE_VERSION}-${os}-${cpu}`;
  const windows = os === 'windows';
  return {
    name: `${folder}${windows ? '.zip' : '.tar.gz'}`,
    version: RELEASE_VERSION,
    sha256,
    member: `${folder}/nats-server${windows ? '.exe' : ''}`,
  };
}

function goArch(arch: string): string | undefined {
  switch (arch) {
    case 'x64':
      return 'amd64';
    case 'ia32':
      return '386';
    case 'arm64':
    case 's390x':
      return arch;
    case 'arm':
      return Number(Reflect.get(process.config.variables, 'arm_version')) >= 7 ? 'arm7' : 'arm6';
    case 'ppc64':
      return endianness() === 'LE' ? 'ppc64le' : undefined;
    default:
      return undefined;
  }
}

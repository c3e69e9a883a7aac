import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ReleaseAsset } from '../../src/runtime/bus/server/release-pins.ts';

/** Writes an executable that says it is that version of nats-server; makes its folder. Returns its path. */
export function writeFakeServer(path: string, version: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A `.tar.gz` laid out as a release's, whose executable is a fake of that version, and its pin. */
export function makeReleaseArchive(version: string): { bytes: Buffer; asset: ReleaseAsset } {
  const dir = mkdtempSync(join(tmpdir(), 'aipg-release-'));
  try {
    const folder = `nats-server-v${version}-test`;
    writeFakeServer(join(dir, folder, 'nats-server'), version);
    execFileSync('tar', ['-czf', 'archive.tar.gz', folder], { cwd: dir });
    const bytes = readFileSync(join(dir, 'archive.tar.gz'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { bytes, asset: { name: `${folder}.tar.gz`, version, sha256, member: `${folder}/nats-server` } };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** An HTTP server on this machine that answers every request with `respond`. */
export async function startReleaseHost(
  respond: RequestListener,
): Promise<AsyncDisposable & { baseUrl: string; paths: string[] }> {
  const paths: string[] = [];
  const host = createServer((request, response) => {
    paths.push(request.url ?? '');
    respond(request, response);
  });
  const listening = Promise.withResolvers<void>();
  host.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const { port } = host.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    paths,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      host.close(() => closed.resolve());
      host.closeAllConnections();
      await closed.promise;
    },
  };
}

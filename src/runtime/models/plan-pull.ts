import { stat } from 'node:fs/promises';
import { AipgError } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model.ts';
import { type ByteSource, fileSource } from './byte-source.ts';
import { chooseFile } from './choose-file.ts';
import { partsOf } from './gguf-files.ts';
import { type GgufHeader, readGgufHeader } from './gguf-header.ts';
import { chatTemplateOf, factsOf, type HeaderFacts } from './header-facts.ts';
import { repoFolder } from './hub-cache.ts';
import { type HubFile, type HubOptions, type HubRepo, openHubRepo } from './hub-client.ts';
import { blobPath } from './hub-download.ts';
import { hubError } from './hub-errors.ts';
import { hubCacheDir, hubEndpoint, isHubOffline } from './hub-settings.ts';
import { offline } from './locate.ts';
import { freeDiskBytes } from './machine-room.ts';
import { hubModelName, quantOf } from './names.ts';
import { leftBytes } from './partial-file.ts';
import { formatModelReference, type HubReference } from './reference.ts';

/** What a download would bring and take, known before it begins. */
export interface PullPlan {
  readonly name: ModelName;
  /** That means this file and no other. */
  readonly reference: string;
  readonly repo: HubRepo;
  readonly parts: readonly HubFile[];
  readonly facts: HeaderFacts;
  readonly chatTemplate: string | undefined;
  readonly quant: string | undefined;
  readonly license: string | undefined;
  /** Of all parts. */
  readonly bytes: number;
  /** Of those, what is still to be fetched. */
  readonly missingBytes: number;
  /** Whether every part is here, whole. */
  readonly isHere: boolean;
  /** On the disk of the cache; undefined where it does not tell. */
  readonly freeBytes: number | undefined;
  /** Of the repository, in the cache. */
  readonly folder: string;
}

/** Parts whose headers are read at a time. */
const AT_ONCE = 4;

/**
 * Finds the file that a reference means, and reads its header by range requests. Nothing is written.
 * @throws AipgError `model-not-found`, `model-invalid`, `usage` or `cancelled`
 */
export async function planPull(reference: HubReference, options: HubOptions): Promise<PullPlan> {
  const text = formatModelReference(reference);
  if (isHubOffline(options.env)) throw offline(text);
  return withHubErrors(text.slice('hf:'.length), options, async () => {
    const repo = await openHubRepo(`${reference.org}/${reference.repo}`, options);
    const files = new Map((await repo.files()).map((file) => [file.path, file]));
    const chosen = chooseFile(reference, [...files.keys()]);
    const parts = partsOf(chosen).map((path): HubFile => {
      const file = files.get(path);
      if (!file) throw new AipgError('model-invalid', `${repo.id} lacks a part of ${chosen}: ${path}.`);
      return file;
    });
    const folder = repoFolder(hubCacheDir(options.env), repo.id);
    const headers = await readHeaders(repo, parts, folder);
    const facts = factsOf(`${repo.id}:${chosen}`, headers);
    const blobs = parts.map((part) => blobPath(repo, part, folder));
    const here = await Promise.all(parts.map((part, index) => isHere(part, blobs[index] ?? '')));
    const missing = await Promise.all(
      parts.map(async ({ bytes }, index) =>
        here[index] ? 0 : Math.max(0, bytes - (await leftBytes(blobs[index] ?? ''))),
      ),
    );
    return {
      name: hubModelName(repo.id, chosen),
      reference: `hf:${repo.id}:${chosen}`,
      repo,
      parts,
      facts,
      chatTemplate: chatTemplateOf(headers[0]),
      quant: quantOf(chosen) ?? facts.quant ?? undefined,
      license: facts.license ?? repo.license,
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      missingBytes: missing.reduce((sum, bytes) => sum + bytes, 0),
      isHere: !here.includes(false),
      freeBytes: await freeDiskBytes(folder),
      folder,
    };
  });
}

/** @throws AipgError `disk-full` when what is missing does not fit on the disk */
export function checkRoom({ name, missingBytes, freeBytes, folder }: PullPlan): void {
  if (freeBytes === undefined || missingBytes <= freeBytes) return;
  const needed = `${name} needs ${size(missingBytes)} more on the disk of ${folder}`;
  throw new AipgError('disk-full', `${needed}, which has ${size(freeBytes)} free.`, {
    hint: 'Make room (aipg models rm MODEL), take a smaller quant, or choose another disk with HF_HUB_CACHE.',
  });
}

/** Says of what goes wrong on the wire or on the disk what it means. */
export async function withHubErrors<T>(
  what: string,
  { env, signal }: HubOptions,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw hubError(error, { endpoint: hubEndpoint(env), what, signal });
  }
}

async function readHeaders(
  repo: HubRepo,
  parts: readonly HubFile[],
  folder: string,
): Promise<[GgufHeader, ...GgufHeader[]]> {
  const headers: GgufHeader[] = [];
  const waiting = [...parts.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, part] = next;
      headers[index] = await readHeader(repo, part, blobPath(repo, part, folder));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return headers as [GgufHeader, ...GgufHeader[]];
}

async function readHeader(repo: HubRepo, part: HubFile, blob: string): Promise<GgufHeader> {
  if (await isHere(part, blob)) {
    await using source = await fileSource(blob);
    return await readGgufHeader(source);
  }
  const source: ByteSource = {
    name: `${repo.id}:${part.path}`,
    bytes: part.bytes,
    read: (start, end) => repo.read(part.path, start, end),
  };
  return readGgufHeader(source);
}

/** A content gets its name when it is whole and its hash is right. */
async function isHere(part: HubFile, blob: string): Promise<boolean> {
  return stat(blob).then(
    ({ size }) => size === part.bytes,
    () => false,
  );
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The steps of a download, as the hub's API splits them. */
export type HubRoute =
  | 'info'
  | 'tree'
  | 'paths-info'
  | 'resolve'
  | 'cdn'
  | 'xet-token'
  | 'xet-plan'
  | 'xet-data';

/**
 * What goes wrong: an answer by status (with a `Retry-After`), a connection cut, or silent from then on, after so many
 * bytes of the body, or a byte changed in it.
 */
export type HubFault =
  | { readonly status: number; readonly retryAfter?: string }
  | { readonly cutAfter: number }
  | { readonly stallAfter: number }
  | { readonly corrupt: true };

export interface HubRequest {
  readonly route: HubRoute;
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export interface FakeHubOptions {
  /** Repositories by `org/repo`: content by path. */
  readonly repos: Readonly<Record<string, Readonly<Record<string, Buffer>>>>;
  /** Without it, everything is refused with 401. */
  readonly token?: string;
  /** Files per page of a listing. */
  readonly pageSize?: number;
  /** Paths that lie in git itself, not in LFS. */
  readonly plain?: readonly string[];
  /** Sizes that the listing claims, in bytes, by path. */
  readonly claimedBytes?: Readonly<Record<string, number>>;
  /** What repositories are tagged with. */
  readonly tags?: readonly string[];
  /** Serve by the Xet protocol, as the hub now does for most models. */
  readonly xet?: boolean;
}

export const HUB_COMMIT = 'c0ffee'.padEnd(40, '0');

/**
 * A local server that speaks the API of the Hugging Face hub, as far as a download needs it. LFS files are served by a
 * redirect to a second origin, as the hub does with its CDN.
 */
export class FakeHub implements AsyncDisposable {
  readonly requests: HubRequest[] = [];
  readonly #options: FakeHubOptions;
  readonly #faults: { route: HubRoute; fault: HubFault; times: number }[] = [];
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(options: FakeHubOptions) {
    this.#options = options;
    this.#hub = createServer((request, response) => this.#handle(request, response));
    this.#cdn = createServer((request, response) => this.#handle(request, response));
  }

  static async start(options: FakeHubOptions): Promise<FakeHub> {
    const hub = new FakeHub(options);
    await Promise.all([hub.#hub, hub.#cdn].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    return hub;
  }

  get url(): string {
    return address(this.#hub);
  }

  /** What was asked of a file's content since a request, by its `Range` header; a look at one byte is none. */
  rangesSince(start: number): string[] {
    return this.requests
      .slice(start)
      .filter(({ route, range }) => route === 'cdn' && range !== 'bytes=0-0')
      .map(({ range }) => range ?? 'all');
  }

  /** Lets nothing go wrong any more. */
  heal(): void {
    this.#faults.length = 0;
  }

  /** Lets the next requests of a route go wrong. */
  fail(route: HubRoute, fault: HubFault, times = Number.POSITIVE_INFINITY): void {
    this.#faults.push({ route, fault, times });
  }

  count(route: HubRoute): number {
    return this.requests.filter((request) => request.route === route).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://hub');
    const target = routeOf(url.pathname);
    if (!target) {
      response.writeHead(404).end();
      return;
    }
    const { authorization, range } = request.headers;
    const { route } = target;
    this.requests.push({ route, method: request.method ?? '', url: url.href, authorization, range });
    const fault = this.#takeFault(route);
    const files = this.#options.repos[target.repo];
    const { token } = this.#options;
    if (fault && 'status' in fault) {
      if (fault.retryAfter !== undefined) response.setHeader('Retry-After', fault.retryAfter);
      sendError(response, fault.status, 'InternalFault');
    } else if (isOfHub(route) && token !== undefined && authorization !== `Bearer ${token}`) {
      sendError(response, 401, 'GatedRepo');
    } else if (!files) sendError(response, 404, 'RepoNotFound');
    else if (route === 'info')
      sendJson(response, {
        _id: '1',
        id: target.repo,
        sha: HUB_COMMIT,
        gated: false,
        tags: this.#options.tags ?? [],
      });
    else if (route === 'tree') this.#sendTree(response, url, files);
    else if (route === 'paths-info') this.#sendPathsInfo(request, response, files);
    else {
      const content = files[target.path];
      if (!content) sendError(response, 404, 'EntryNotFound');
      else if (route === 'xet-token')
        sendJson(response, { accessToken: 'cas', casUrl: address(this.#cdn), exp: 2e9 });
      else if (route === 'xet-plan') this.#sendXetPlan(request, response, target, content);
      else if (route === 'xet-data') sendContent(request, response, xorbOf(content), fault);
      else if (route === 'resolve' && this.#options.xet) this.#sendXetInfo(response, target, content);
      else if (route === 'resolve' && this.#isLfs(target.path)) this.#redirect(response, target, content);
      else sendContent(request, response, content, fault);
    }
  }

  #takeFault(route: HubRoute): HubFault | undefined {
    const entry = this.#faults.find((candidate) => candidate.route === route && candidate.times > 0);
    if (entry) entry.times -= 1;
    return entry?.fault;
  }

  #isLfs(path: string): boolean {
    return !this.#options.plain?.includes(path);
  }

  #entry(path: string, content: Buffer) {
    const size = this.#options.claimedBytes?.[path] ?? content.length;
    const lfs = { oid: sha256(content), size, pointerSize: 130 };
    return {
      type: 'file',
      oid: gitOid(content),
      size,
      path,
      ...(this.#isLfs(path) ? { lfs } : {}),
      lastCommit: { id: HUB_COMMIT, title: 'add', date: '2026-01-01T00:00:00.000Z' },
    };
  }

  #sendTree(response: ServerResponse, url: URL, files: Readonly<Record<string, Buffer>>): void {
    const { pageSize = 1_000 } = this.#options;
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const entries = Object.entries(files);
    if (start + pageSize < entries.length) {
      const next = new URL(url.pathname + url.search, this.url);
      next.searchParams.set('cursor', String(start + pageSize));
      response.setHeader('Link', `<${next.href}>; rel="next"`);
    }
    const page = entries.slice(start, start + pageSize);
    sendJson(
      response,
      page.map(([path, content]) => this.#entry(path, content)),
    );
  }

  async #sendPathsInfo(
    request: IncomingMessage,
    response: ServerResponse,
    files: Readonly<Record<string, Buffer>>,
  ): Promise<void> {
    const body = Buffer.concat(await request.toArray()).toString();
    const { paths } = JSON.parse(body) as { paths: string[] };
    const found = paths.flatMap((path) => (files[path] ? [this.#entry(path, files[path])] : []));
    sendJson(response, found);
  }

  #sendXetInfo(response: ServerResponse, { repo, path }: Target, content: Buffer): void {
    const token = `${this.url}/api/models/${repo}/xet-read-token/${HUB_COMMIT}/${path}`;
    const plan = `${address(this.#cdn)}/v1/reconstructions/${repo}/${path}`;
    response.writeHead(200, {
      'Content-Type': 'application/vnd.xet-fileinfo+json',
      'X-Linked-Etag': `"${sha256(content)}"`,
      'X-Linked-Size': String(content.length),
      'X-Xet-Hash': sha256(content),
      Link: `<${token}>; rel="xet-auth", <${plan}>; rel="xet-reconstruction-info"`,
    });
    response.end('{}');
  }

  /** From which chunks the bytes asked for are made, and where these lie. */
  #sendXetPlan(
    request: IncomingMessage,
    response: ServerResponse,
    { repo, path }: Target,
    content: Buffer,
  ): void {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const hash = sha256(content);
    const chunks = { start: Math.floor(from / XET_CHUNK), end: Math.ceil(content.length / XET_CHUNK) };
    const bytes = { start: chunks.start * (XET_CHUNK + XET_HEADER), end: xorbOf(content).length - 1 };
    sendJson(response, {
      offset_into_first_range: from - chunks.start * XET_CHUNK,
      terms: [{ hash, unpacked_length: content.length - chunks.start * XET_CHUNK, range: chunks }],
      xorbs: { [hash]: [{ url: `${address(this.#cdn)}/xorb/${repo}/${path}`, ranges: [{ chunks, bytes }] }] },
    });
  }

  #redirect(response: ServerResponse, { repo, path }: Target, content: Buffer): void {
    response
      .writeHead(302, {
        Location: `${address(this.#cdn)}/cdn/${repo}/${path.split('/').map(encodeURIComponent).join('/')}`,
        ETag: `"${gitOid(content)}"`,
        'X-Linked-Etag': `"${sha256(content)}"`,
        'X-Linked-Size': String(content.length),
        'X-Repo-Commit': HUB_COMMIT,
      })
      .end();
  }
}

interface Target {
  readonly route: HubRoute;
  readonly repo: string;
  readonly path: string;
}

const ROUTES: readonly (readonly [HubRoute, RegExp])[] = [
  ['tree', /^\/api\/models\/(?<repo>[^/]+\/[^/]+)\/tree\/[^/]+$/],
  ['paths-info', /^\/api\/models\/(?<repo>[^/]+\/[^/]+)\/paths-info\/[^/]+$/],
  ['info', /^\/api\/models\/(?<repo>[^/]+\/[^/]+)(?:\/revision\/[^/]+)?$/],
  ['xet-token', /^\/api\/models\/(?<repo>[^/]+\/[^/]+)\/xet-read-token\/[^/]+\/(?<path>.+)$/],
  ['xet-plan', /^\/v2\/reconstructions\/(?<repo>[^/]+\/[^/]+)\/(?<path>.+)$/],
  ['xet-data', /^\/xorb\/(?<repo>[^/]+\/[^/]+)\/(?<path>.+)$/],
  ['cdn', /^\/cdn\/(?<repo>[^/]+\/[^/]+)\/(?<path>.+)$/],
  ['resolve', /^\/(?<repo>[^/]+\/[^/]+)\/resolve\/[^/]+\/(?<path>.+)$/],
];

function routeOf(pathname: string): Target | undefined {
  for (const [route, pattern] of ROUTES) {
    const groups = pattern.exec(pathname)?.groups;
    if (groups) return { route, repo: groups['repo'] ?? '', path: decodeURIComponent(groups['path'] ?? '') };
  }
  return undefined;
}

/** Whether a step is the hub's own, which the user's token is for. */
export function isOfHub(route: HubRoute): boolean {
  return !['cdn', 'xet-plan', 'xet-data'].includes(route);
}

const XET_CHUNK = 64 * 1_024;
const XET_HEADER = 8;

/** The content as Xet stores it: chunks, each after a header of its sizes (24 bits each) and compression (0: none). */
function xorbOf(content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let start = 0; start < content.length; start += XET_CHUNK) {
    const chunk = content.subarray(start, start + XET_CHUNK);
    const header = Buffer.alloc(XET_HEADER);
    header.writeUIntLE(chunk.length, 1, 3);
    header.writeUIntLE(chunk.length, 5, 3);
    pieces.push(header, chunk);
  }
  return Buffer.concat(pieces);
}

function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  fault: HubFault | undefined,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  const end = to ? Math.min(Number(to), content.length - 1) : content.length - 1;
  let body = content.subarray(start, end + 1);
  response.statusCode = from === undefined ? 200 : 206;
  if (from !== undefined) response.setHeader('Content-Range', `bytes ${start}-${end}/${content.length}`);
  response.setHeader('ETag', `"${sha256(content)}"`);
  response.setHeader('Content-Length', body.length);
  if (fault && 'corrupt' in fault && body.length > 1) {
    body = Buffer.from(body);
    const middle = body.length >> 1;
    body[middle] = (body[middle] ?? 0) ^ 0xff;
  }
  if (fault && 'cutAfter' in fault && body.length > fault.cutAfter) {
    response.write(body.subarray(0, fault.cutAfter), () => response.destroy());
    return;
  }
  if (fault && 'stallAfter' in fault && body.length > fault.stallAfter) {
    response.write(body.subarray(0, fault.stallAfter));
    return;
  }
  response.end(request.method === 'HEAD' ? undefined : body);
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
}

function sendError(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  response.setHeader('X-Error-Code', code);
  sendJson(response, { error: code });
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function gitOid(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

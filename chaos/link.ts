import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a process's connections go through, one to each node of the bus: here they are cut, held and delayed. */
export class Link implements AsyncDisposable {
  readonly #servers: Server[] = [];
  readonly #flows = new Set<Flow>();
  #isCut = false;
  #isHeld = false;
  #delayMs = 0;

  /** @param nodes the ports of the bus's nodes on this machine */
  static async open(nodes: readonly number[]): Promise<Link> {
    const link = new Link();
    for (const port of nodes) {
      const server = createServer((near) => link.#connect(near, port));
      link.#servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return link;
  }

  /** Where the process connects to, as `--grid` takes it. */
  get url(): string {
    return this.#servers
      .map((server) => `nats://127.0.0.1:${(server.address() as AddressInfo).port}`)
      .join(',');
  }

  /** Closes all connections, and every new one until it is over. @returns what ends it */
  cut(): () => void {
    this.#isCut = true;
    for (const flow of this.#flows) flow.destroy();
    return () => {
      this.#isCut = false;
    };
  }

  /** Loses the connections that there are without a word: they stay open, and nothing gets through any more. */
  lose(): void {
    for (const flow of this.#flows) flow.lose();
  }

  /** Lets nothing through, and closes nothing. @returns what ends it */
  hold(): () => void {
    this.#isHeld = true;
    return () => {
      this.#isHeld = false;
      for (const flow of this.#flows) flow.pass();
    };
  }

  /** Lets everything through late. @returns what ends it */
  delay(ms: number): () => void {
    this.#delayMs = ms;
    return () => {
      this.#delayMs = 0;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const flow of this.#flows) flow.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #connect(near: Socket, port: number): void {
    if (this.#isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    const terms = () => (this.#isHeld ? Number.POSITIVE_INFINITY : this.#delayMs);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const flow = new Flow(from, to, terms);
      this.#flows.add(flow);
      to.on('close', () => this.#flows.delete(flow));
    }
  }
}

/** One direction of a connection. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: () => number;
  /** What waits, in order; `undefined` is the end. */
  readonly #queue: { readonly chunk: Buffer | undefined; readonly due: number }[] = [];
  #isLost = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param delayMs how late all is now; infinite while nothing gets through */
  constructor(from: Socket, to: Socket, delayMs: () => number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('error', () => undefined);
    // A process that was killed and one whose connection was reset look the same from the other side.
    from.on('close', () => this.#take(undefined));
    to.on('drain', () => from.resume());
    // What is left is read and dropped, so that the end of it is seen.
    to.on('close', () => from.resume());
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#from.destroy();
    this.#to.destroy();
  }

  lose(): void {
    this.#isLost = true;
    this.#queue.length = 0;
  }

  pass(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined || this.#delayMs() === Number.POSITIVE_INFINITY) return;
      const wait = first.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pass(), wait);
        return;
      }
      this.#queue.shift();
      if (first.chunk === undefined) this.#to.end(() => this.#to.destroy());
      else if (!this.#to.write(first.chunk)) this.#from.pause();
    }
  }

  #take(chunk: Buffer | undefined): void {
    if (this.#isLost) return;
    const delay = this.#delayMs();
    const due = performance.now() + (delay === Number.POSITIVE_INFINITY ? 0 : delay);
    this.#queue.push({ chunk, due: Math.max(due, this.#queue.at(-1)?.due ?? 0) });
    this.pass();
  }
}

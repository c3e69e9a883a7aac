/** Where a nats-server came from: the user's variable, PATH, our cache, or one of the two ways to fetch it. */
export type BusServerSource = 'env' | 'path' | 'cache' | InstallSource;

/** The ways to fetch a nats-server that this machine does not have yet. */
export type InstallSource = 'release' | 'debian';

/** A nats-server executable that ran on this machine and is new enough. */
export interface BusServer {
  /** Absolute path of the executable. */
  readonly path: string;
  /** As `nats-server --version` says it, without the `v`: `2.15.0`. */
  readonly version: string;
  readonly source: BusServerSource;
}

/** What an installation is doing now, for a progress display. */
export interface InstallProgress {
  readonly source: InstallSource;
  /** `index`: reading a package index; `failed`: this source is given up, `detail` says why. */
  readonly step: 'connect' | 'index' | 'download' | 'verify' | 'unpack' | 'done' | 'failed';
  /** Bytes received so far (step `download`, where known). */
  readonly bytes?: number;
  /** Bytes in all (step `download`, where the other side said it). */
  readonly total?: number;
  /** The address, the version or the reason, for people. */
  readonly detail?: string;
}

export type OnInstallProgress = (progress: InstallProgress) => void;

import type { NatsConnection } from '@nats-io/transport-node';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { inboxPrefix } from '../protocol/permissions.ts';
import { setMember } from './identity.ts';
import { joinWrites } from './join-writes.ts';
import { isSupportedVersion, MIN_BUS_SERVER_VERSION } from './server/version.ts';
import { type BusTrust, certificateError, tlsOptions } from './tls.ts';

/**
 * A connection that is open and carries nothing, as after a power cut on the other side, counts as broken when the bus
 * has not answered this many pings, this far apart in milliseconds. The library's own choice takes six minutes.
 */
const MAX_PINGS = 2;
const PING_MS = 5_000;

export interface ConnectOptions extends BusTrust {
  /** One server or several of a cluster, as `nats://host:port` or `tls://host:port`, separated by commas. */
  readonly url: string;
  /** Shown in the server's own monitoring. */
  readonly name: string;
  /** Milliseconds for the first connection. Default 3,000. */
  readonly timeoutMs?: number;
  /** The member's key, for a bus that asks for one. */
  readonly credentials?: Credentials | undefined;
}

/**
 * Connects and checks the server's version. A connection that breaks later is made again for as long as it takes.
 * @throws AipgError `grid-unreachable`, `not-permitted`, `bus-server-too-old`
 */
export async function connectBus({
  url,
  name,
  timeoutMs = 3_000,
  credentials,
  ca,
  hosts,
}: ConnectOptions): Promise<NatsConnection> {
  const { AuthorizationError, connect, jwtAuthenticator } = await import('@nats-io/transport-node');
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers: url.split(','),
      name,
      timeout: timeoutMs,
      maxReconnectAttempts: -1,
      // Stacks captured for every request cost a sixth of a busy process, and what we throw carries its own words.
      noAsyncTraces: true,
      reconnectTimeWait: 250,
      pingInterval: PING_MS,
      maxPingOut: MAX_PINGS,
      // With it the library refuses a server, or whoever stands in its place, that offers no TLS.
      ...(url.includes('tls://') && { tls: await tlsOptions(url, { ca, hosts }) }),
      ...(credentials && {
        authenticator: jwtAuthenticator(credentials.jwt, new TextEncoder().encode(credentials.seed())),
        inboxPrefix: inboxPrefix(credentials.key),
      }),
    });
  } catch (cause) {
    if (cause instanceof AuthorizationError) throw notLetIn(url, credentials, cause);
    const distrust = certificateError(cause);
    if (distrust !== undefined) throw notTrusted(url, distrust, ca !== undefined, cause);
    throw new AipgError(
      'grid-unreachable',
      `No message bus answers at ${redactUrl(url)} (${reason(cause)}).`,
      {
        hint: 'Start one with `aipg up`, check the address with `aipg grid ls`, or answer here with --grid local.',
        cause,
      },
    );
  }
  joinWrites(connection);
  if (credentials) setMember(connection, credentials);
  const version = connection.info?.version ?? '0';
  if (!isSupportedVersion(version)) {
    await connection.close();
    throw new AipgError(
      'bus-server-too-old',
      `The message bus at ${redactUrl(url)} is nats-server ${version}; ${MIN_BUS_SERVER_VERSION} or newer is needed.`,
      { hint: 'Upgrade it, or let `aipg up` run its own.' },
    );
  }
  return connection;
}

function notTrusted(url: string, reason: string, isPinned: boolean, cause: unknown): AipgError {
  const where = redactUrl(url);
  if (!url.includes('tls://')) {
    return new AipgError('grid-unreachable', `The grid at ${where} is reached by TLS alone.`, {
      hint: "Take its operator's invitation with `aipg grid join`, or write its address as tls://host:port.",
      cause,
    });
  }
  const [whom, hint] = isPinned
    ? [
        'the CA of its invitation has not signed',
        'Somebody may stand between you and the grid. If its operator has made a new CA, ask for a new invitation.',
      ]
    : [
        'this machine does not trust',
        'Take an invitation with `aipg grid join`; a CA of your own can be named in NODE_EXTRA_CA_CERTS.',
      ];
  return new AipgError(
    'grid-unreachable',
    `The bus at ${where} shows a certificate that ${whom} (${reason}).`,
    {
      hint,
      cause,
    },
  );
}

function notLetIn(url: string, credentials: Credentials | undefined, cause: Error): AipgError {
  const where = redactUrl(url);
  if (credentials === undefined) {
    return new AipgError('not-permitted', `The grid at ${where} asks for a key.`, {
      hint: 'Ask its operator for an invitation and take it with `aipg grid join`.',
      cause,
    });
  }
  return new AipgError(
    'not-permitted',
    `The grid at ${where} does not take this key: revoked, expired or of another grid.`,
    {
      hint: 'Ask its operator for a new invitation and take it with `aipg grid join`.',
      cause,
    },
  );
}

/** The address without user, password or token, fit for a message or a log. */
export function redactUrl(url: string): string {
  return url
    .split(',')
    .map((server) => server.replace(/^([a-z]+:\/\/)?[^@/]*@/, '$1'))
    .join(',');
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  return inner.message || inner.name;
}

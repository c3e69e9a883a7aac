/** What the embedded server's configuration is made from. */
export interface ServerConfig {
  /** JetStream's folder. */
  readonly storeDir: string;
  /** -1: the server picks a free one. */
  readonly port: number;
  readonly name: string;
  /** The most that JetStream's memory streams may take, bytes. */
  readonly maxMemoryBytes: number;
  /** The most that JetStream's file streams may take, bytes. */
  readonly maxFileBytes: number;
  /** Flush every write to the disk before it is acknowledged: survives a power cut, at about 40 % of the speed. */
  readonly syncAlways: boolean;
  /** Default: {@link BUS_HOST}. */
  readonly host?: string | undefined;
  /** Asks everybody for a key; without it, whoever reaches the server may do everything. */
  readonly trust?: BusTrust | undefined;
  /** Speaks TLS alone. */
  readonly tls?: ServerTls | undefined;
}

/** The files of a server's certificate, with those between it and its CA, and of its key; PEM. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Whom the server trusts to say who is who: NATS's decentralised JWTs, with the accounts in memory. */
export interface BusTrust {
  readonly operatorJwt: string;
  readonly systemAccount: string;
  /** JWTs by the account's public key. */
  readonly accounts: Readonly<Record<string, string>>;
}

/** Only this machine's programs can connect: without keys, anything wider would be an open bus. */
export const BUS_HOST = '127.0.0.1';

/** The grid's largest message; what is larger goes through the object store. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 8_192;
/**
 * A member whose connection is gone without a word counts as there until it has not answered this many pings, this far
 * apart. Until then requests go to it too, where it is a director. The server's own choice takes six minutes.
 */
const MAX_PINGS = 2;
const PING_INTERVAL = '5s';

/** Renders a nats-server configuration file. */
export function renderServerConfig(config: ServerConfig): string {
  return `host: ${quote(config.host ?? BUS_HOST)}
port: ${config.port}
server_name: ${quote(config.name)}
max_payload: ${MAX_PAYLOAD_BYTES}
max_connections: ${MAX_CONNECTIONS}
ping_interval: ${quote(PING_INTERVAL)}
ping_max: ${MAX_PINGS}
jetstream {
  store_dir: ${quote(config.storeDir)}
  max_memory_store: ${config.maxMemoryBytes}
  max_file_store: ${config.maxFileBytes}
${config.syncAlways ? '  sync_interval: always\n' : ''}}
${config.tls ? renderTls(config.tls) : ''}${config.trust ? renderTrust(config.trust) : ''}`;
}

function renderTls({ certFile, keyFile }: ServerTls): string {
  return `tls {
  cert_file: ${quote(certFile)}
  key_file: ${quote(keyFile)}
  min_version: "1.3"
}
`;
}

function renderTrust({ operatorJwt, systemAccount, accounts }: BusTrust): string {
  const preload = Object.entries(accounts).map(([key, jwt]) => `  ${key}: ${quote(jwt)}\n`);
  return `operator: ${quote(operatorJwt)}
system_account: ${systemAccount}
resolver: MEMORY
resolver_preload {
${preload.join('')}}
`;
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Where this machine reaches a server that listens on `host`. */
export function localUrl(host: string, port: number, scheme: 'nats' | 'tls' = 'nats'): string {
  const reached = host === '0.0.0.0' || host === '::' ? BUS_HOST : host;
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** A double-quoted string of the configuration language, whose escapes are `\\`, `\"` and `\xHH`. */
export function quote(text: string): string {
  const escaped = [...text].map((char) => {
    if (char === '\\' || char === '"') return `\\${char}`;
    return char < ' ' || char === '\u007f' ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}` : char;
  });
  return `"${escaped.join('')}"`;
}

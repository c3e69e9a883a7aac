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
}

/** Only this machine's programs can connect: without keys, anything wider would be an open bus. */
export const BUS_HOST = '127.0.0.1';

/** The grid's largest message; what is larger goes through the object store. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 8_192;

/** Renders a nats-server configuration file. */
export function renderServerConfig(config: ServerConfig): string {
  return `host: ${quote(BUS_HOST)}
port: ${config.port}
server_name: ${quote(config.name)}
max_payload: ${MAX_PAYLOAD_BYTES}
max_connections: ${MAX_CONNECTIONS}
jetstream {
  store_dir: ${quote(config.storeDir)}
  max_memory_store: ${config.maxMemoryBytes}
  max_file_store: ${config.maxFileBytes}
${config.syncAlways ? '  sync_interval: always\n' : ''}}
`;
}

/** A double-quoted string of the configuration language, whose escapes are `\\`, `\"` and `\xHH`. */
export function quote(text: string): string {
  const escaped = [...text].map((char) => {
    if (char === '\\' || char === '"') return `\\${char}`;
    return char < ' ' || char === '\u007f' ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}` : char;
  });
  return `"${escaped.join('')}"`;
}

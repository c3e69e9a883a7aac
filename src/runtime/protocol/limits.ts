/** Version of everything that travels on the bus. Participants of another version are refused. */
export const PROTOCOL_VERSION = 1;

export const LIMITS = {
  /** Largest message on the bus, in bytes; larger ones are refused before they are sent. */
  messageBytes: 256 * 1024,
  /** Largest final record of a job, in bytes. */
  resultBytes: 1_000_000,
  /** Longest model name, in UTF-8 bytes. */
  modelNameBytes: 200,
  /** Longest account or worker name, in characters. */
  nameLength: 64,
  /** Most messages of a conversation in one job. */
  messages: 1_000,
  /** Most stop strings of a job, and the longest of them in UTF-16 code units. */
  stops: 16,
  stopLength: 256,
  /** Largest JSON Schema of a job, in bytes, and its deepest nesting. */
  schemaBytes: 64 * 1024,
  schemaDepth: 64,
  /** Most tokens that one job may ask for. */
  maxTokens: 131_072,
  /** Longest time a job may be given, in milliseconds. */
  timeoutMs: 24 * 60 * 60 * 1_000,
  /** Most slots of one worker. */
  slots: 256,
} as const;

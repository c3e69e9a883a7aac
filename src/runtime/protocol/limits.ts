/** Version of everything that travels on the bus. Participants of another version are refused. */
export const PROTOCOL_VERSION = 2;

export const LIMITS = {
  /** Largest message that travels as it is, in bytes; a larger one goes through the object store. */
  messageBytes: 256 * 1024,
  /** Largest message at all, in bytes. */
  artifactBytes: 64 * 1024 * 1024,
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
  /** Longest reason of a failure or a cancel, in UTF-16 code units. */
  reasonLength: 500,
  /** Longest token that names who asks, with the limits of its key, in characters: a subject has 4 KiB. */
  askerLength: 2_048,
  /** Most slots of one worker. */
  slots: 256,
} as const;

import process from 'node:process';
import { Flags } from '@oclif/core';
import type { Log } from '../runtime/protocol/log.ts';
import { hasColor } from './terminal.ts';

export const logFlags = {
  'log-format': Flags.option({ options: ['human', 'json'] as const })({
    description: 'How the log on stderr looks. Default: human on a terminal, JSON lines otherwise.',
    helpGroup: 'LOG',
  }),
  'log-level': Flags.option({
    options: ['debug', 'info', 'warn', 'error', 'silent'] as const,
    default: 'info',
  })({
    description: 'The least that is logged.',
    helpGroup: 'LOG',
  }),
};

export interface LogOptions {
  readonly 'log-format'?: 'human' | 'json' | undefined;
  readonly 'log-level': 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** A log on stderr, which stdout's readers never see. */
export async function openLog(options: LogOptions): Promise<Log> {
  const { pino, destination } = await import('pino');
  const level = options['log-level'];
  const format = options['log-format'] ?? (process.stderr.isTTY ? 'human' : 'json');
  const logger =
    format === 'json'
      ? pino(
          { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
          destination({ fd: 2, sync: true }),
        )
      : pino({ level, base: null }, await prettyStream());
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

async function prettyStream() {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    destination: 2,
    sync: true,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    colorize: hasColor(process.stderr),
  });
}

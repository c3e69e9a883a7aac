import { AipgError } from '../../protocol/errors.ts';
import { BUS_HOST } from './server-config.ts';
import type { ServerEndedError } from './server-process.ts';

const PORT_TAKEN = /address already in use|Only one usage of each socket address/i;
/** `[pid] date time [level] `, as the server begins its lines. */
const LOG_PREFIX = /^\[\d+\] \S+ \S+ /;

/** Says why a server did not come up: `port-in-use` or `bus-server-failed`. */
export function startError(
  ended: ServerEndedError,
  context: { port: number; path: string; logFile: string },
): AipgError {
  const { port, path, logFile } = context;
  if (ended.tail.some((line) => PORT_TAKEN.test(line))) {
    return new AipgError('port-in-use', `Port ${port} of ${BUS_HOST} is taken.`, {
      hint: `Choose another port, or end the program that listens on ${port}.`,
    });
  }
  const said = ended.tail.map((line) => line.replace(LOG_PREFIX, '')).join('\n  ');
  return new AipgError('bus-server-failed', `${path} ${ended.message}${said === '' ? '' : `:\n  ${said}`}`, {
    hint: `Its log is ${logFile}.`,
  });
}

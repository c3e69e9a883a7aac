import process from 'node:process';

/** Set to the name of a fault point, with `:N` for the Nth time it is reached: the process kills itself there. */
export const FAULT_VARIABLE = 'AIPG_FAULT_POINT';

let reached = 0;

/**
 * A place between two steps where a process may be killed, as tests do in a child process of their own. The build takes
 * calls of it for what has no effect, and leaves them out.
 */
/*#__NO_SIDE_EFFECTS__*/
export function faultPoint(name: string): void {
  const [wanted, nth = '1'] = (process.env[FAULT_VARIABLE] ?? '').split(':');
  if (wanted !== name) return;
  reached += 1;
  // Not an exit: nothing is flushed, closed or said.
  if (reached === Number(nth)) process.kill(process.pid, 'SIGKILL');
}

import process from 'node:process';

/**
 * A wrapper that runs a program and ends it when stdin ends, so that the program cannot outlive this process however
 * this process dies: a pipe's end is closed by the system even on SIGKILL. Its exit code is the program's.
 *
 * Once told to end it naps in short steps, rather than having one long nap killed: a signal to a child that a shell
 * has forked but that has not yet become `sleep` is lost. A server that ignores TERM is killed after 5 seconds.
 */
const SH_GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
  read -r _ <&3
  trap '' TERM
  kill -TERM "$server"
  naps=0
  while kill -0 "$server"; do
    [ "$naps" -lt 100 ] || kill -KILL "$server"
    naps=$((naps + 1))
    sleep 0.05 || sleep 1
  done
) 2>/dev/null &
guard=$!
exec 3<&-
wait "$server"
code=$?
kill -TERM "$guard" 2>/dev/null
wait "$guard"
exit "$code"
`;

const NODE_GUARD = `
const { spawn } = require('node:child_process');
const [file, ...args] = process.argv.slice(1);
const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], windowsHide: true });
const end = () => child.kill();
process.stdin.on('end', end).on('error', end).resume();
child.on('error', (error) => { console.error(error.message); process.exit(127); });
child.on('exit', (code) => process.exit(code ?? 1));
`;

/** The command that runs `file` guarded. */
export function guardCommand(
  file: string,
  args: readonly string[],
  platform: NodeJS.Platform = process.platform,
): { file: string; args: string[] } {
  return platform === 'win32'
    ? { file: process.execPath, args: ['-e', NODE_GUARD, '--', file, ...args] }
    : { file: '/bin/sh', args: ['-c', SH_GUARD, 'aipg-bus', file, ...args] };
}

export interface CommandResult {
  /** Exit code 0, in time. */
  readonly ok: boolean;
  readonly stdout: string;
  /** Why it is not ok, in one line: the program's last words on stderr, else how it ended. */
  readonly problem: string;
  /** The system's code when the program could not be started at all: `ENOENT`, `EACCES`, … */
  readonly startError: string | undefined;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Send stdout to this new file instead of collecting it. */
  readonly stdoutFile?: string;
}

/** Runs a program to its end, without a shell; never throws for what the program does. */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { execa } = await import('execa');
  const result = await execa(file, args, {
    reject: false,
    stdin: 'ignore',
    stdout: options.stdoutFile === undefined ? 'pipe' : { file: options.stdoutFile },
    timeout: options.timeoutMs,
    forceKillAfterDelay: 1_000,
    windowsHide: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  const stderr = typeof result.stderr === 'string' ? result.stderr.trim() : '';
  return {
    ok: !result.failed,
    stdout: typeof result.stdout === 'string' ? result.stdout : '',
    problem: lastLine(stderr) ?? result.shortMessage?.split('\n')[0] ?? 'failed',
    startError: result.exitCode === undefined ? result.code : undefined,
  };
}

function lastLine(text: string): string | undefined {
  return text.split('\n').findLast((line) => line.trim() !== '');
}

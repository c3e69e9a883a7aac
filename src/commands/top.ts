import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { gridFlag } from '../cli/flags.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { hasColor } from '../cli/terminal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectBus } from '../runtime/config/select-grid.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

const VIEWS = ['overview', 'jobs', 'workers', 'models', 'earnings', 'events'] as const;

export default class Top extends BaseCommand {
  static override summary =
    'Watch a grid: its load, jobs, workers, models and what you earn, as they change.';
  static override description =
    'Press ? in it for all keys. Without a terminal, one frame as text. What is asked and answered is never shown.';
  static override examples = [
    '<%= config.bin %> top',
    '<%= config.bin %> top --view earnings',
    '<%= config.bin %> top --once --view workers',
    "<%= config.bin %> top --json | jq '.totals'",
    "<%= config.bin %> top --json --watch | jq -c '.rates'",
  ];

  static override flags = {
    grid: gridFlag,
    view: Flags.custom<(typeof VIEWS)[number]>({ options: [...VIEWS] })({
      description: 'What to begin with.',
    }),
    once: Flags.boolean({ description: 'Print one frame as text and end, after two seconds of watching.' }),
    watch: Flags.boolean({
      description: 'With --json: a snapshot for each change, one a line, at most four a second.',
    }),
    mouse: Flags.boolean({
      description:
        'Take the mouse. Without it the terminal marks text as ever; with it, while Shift is held.',
      default: true,
      allowNo: true,
    }),
    ascii: Flags.boolean({
      description:
        'Draw with ASCII alone; so it is by itself where the terminal or the locale can do no more.',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Top);
    const { view, once, watch, json } = flags;
    if (watch && !json) {
      throw new AipgError('usage', '--watch goes with --json.', { hint: 'Try: aipg top --json --watch' });
    }
    const paths = resolvePaths();
    const choose = () => selectBus({ paths, asked: flags.grid });
    using stop = stopSignal();
    const { signal } = stop;
    try {
      if (json) {
        const { printJson } = await import('../cli/top/plain.ts');
        return await printJson({ choice: choose(), signal, watch });
      }
      const isScreen = process.stdout.isTTY && process.stdin.isTTY && process.env['TERM'] !== 'dumb';
      const colors = hasColor(process.stdout);
      const ascii = flags.ascii || !canUnicode(process.env);
      if (once || !isScreen) {
        const { printFrame } = await import('../cli/top/plain.ts');
        const depth = colors ? 'color' : 'none';
        return await printFrame({ choice: choose(), signal, view, depth, ascii });
      }
      const { showFullScreen } = await import('../cli/top/full-screen.ts');
      await showFullScreen({
        choose,
        view,
        depth: colors ? 'color' : 'mono',
        ascii,
        mouse: flags.mouse,
        stop,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}

/** Whether the terminal has more than ASCII: the console of Linux has no braille, and a locale may say so. */
function canUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'linux' || env['TERM'] === 'dumb') return false;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  return locale === undefined || locale === '' || /utf-?8/i.test(locale);
}

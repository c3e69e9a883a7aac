import type { ArgFacts, CommandFacts, FlagFacts, ProgramFacts } from './manifest.ts';

/** What a word on the command line may become. */
export interface Candidate {
  /** The whole word. */
  readonly value: string;
  readonly description?: string | undefined;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Whether the shell is to offer files, where no candidate fits. */
  readonly files: boolean;
}

/** Looks up the values that depend on this machine, such as the names of its models; `undefined` where there are none. */
export type ValueSource = (name: string, command: string) => Promise<readonly Candidate[] | undefined>;

const NOTHING: Completion = { candidates: [], files: false };
/** Names of values, as help shows them, that stand for something on disk. */
const FILE_VALUE = /\b(?:FILE|PATH|DIR|FOLDER)/i;

/**
 * What may stand where the cursor is.
 * @param words What was typed after the program's name up to the cursor; the last one is to be completed, maybe empty.
 */
export async function complete(
  words: readonly string[],
  program: ProgramFacts,
  valuesOf: ValueSource,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const typed = words.slice(0, -1);
  const { id, rest } = findCommand(typed, program);
  const command = program.commands[id];
  const positionals: string[] = [];
  const used = new Set<string>();
  let awaiting: FlagFacts | undefined;
  let literal = false;
  for (const word of command ? rest : []) {
    if (awaiting) {
      awaiting = undefined;
    } else if (word === '--' && !literal) {
      literal = true;
    } else if (!literal && word.length > 1 && word.startsWith('-')) {
      const flag = flagOf(word, command);
      if (flag) used.add(flag.name);
      awaiting = flag && takesNextWord(word, flag) ? flag : undefined;
    } else {
      positionals.push(word);
    }
  }
  if (awaiting) return valueCompletion(awaiting, id, current, '', valuesOf);
  if (!literal && current.startsWith('-')) return flagCompletion(current, command, id, used, valuesOf);
  // Words that name no command: nothing is known of what may follow.
  if (!command && rest.length > 0) return NOTHING;
  const subcommands = positionals.length === 0 ? commandsBelow(id, program) : [];
  const arg = command && argAt(positionals.length, command);
  const values = arg ? await valueCompletion(arg, id, current, '', valuesOf) : NOTHING;
  return { candidates: [...matching(subcommands, current), ...values.candidates], files: values.files };
}

/** The command or topic that the first words name, and the words after it. */
function findCommand(
  words: readonly string[],
  program: ProgramFacts,
): { id: string; rest: readonly string[] } {
  let id = '';
  for (const [index, word] of words.entries()) {
    const next = id === '' ? word : `${id}:${word}`;
    const known = Object.keys(program.commands).some((each) => each === next || each.startsWith(`${next}:`));
    if (!known) return { id, rest: words.slice(index) };
    id = next;
  }
  return { id, rest: [] };
}

/** The words that may follow a topic, or begin the line. */
function commandsBelow(id: string, { commands, topics }: ProgramFacts): Candidate[] {
  const depth = id === '' ? 0 : id.split(':').length;
  const found = new Map<string, Candidate>();
  for (const [each, command] of Object.entries(commands)) {
    if (command.hidden || (id !== '' && !each.startsWith(`${id}:`))) continue;
    const value = each.split(':')[depth];
    if (value === undefined) continue;
    const name = id === '' ? value : `${id}:${value}`;
    const description = commands[name]?.summary ?? topics[name]?.description;
    found.set(value, { value, description });
  }
  return [...found.values()].sort((a, b) => (a.value < b.value ? -1 : 1));
}

function flagOf(word: string, command: CommandFacts | undefined): FlagFacts | undefined {
  const flags = Object.values(command?.flags ?? {});
  if (!word.startsWith('--')) return flags.find(({ char }) => char === word[1]);
  const name = word.slice(2).split('=', 1)[0];
  return flags.find((flag) => flag.name === name || (flag.allowNo && `no-${flag.name}` === name));
}

function takesNextWord(word: string, { type }: FlagFacts): boolean {
  return type === 'option' && (word.startsWith('--') ? !word.includes('=') : word.length === 2);
}

async function flagCompletion(
  current: string,
  command: CommandFacts | undefined,
  id: string,
  used: ReadonlySet<string>,
  valuesOf: ValueSource,
): Promise<Completion> {
  const attached = /^(?<prefix>--[^=]+=|-[^-])(?<value>.*)$/s.exec(current)?.groups;
  const flag = attached && flagOf(current, command);
  if (attached && flag?.type === 'option' && (current.startsWith('--') || attached['value'] !== '')) {
    return valueCompletion(flag, id, current, attached['prefix'] ?? '', valuesOf);
  }
  const flags = Object.values(command?.flags ?? {})
    .filter(({ name, hidden, multiple }) => !hidden && (multiple || !used.has(name)))
    .flatMap(({ name, char, allowNo, description, summary }) => {
      const text = firstLine(summary ?? description);
      const long = { value: `--${name}`, description: text };
      return [
        ...(char ? [{ value: `-${char}`, description: text }] : []),
        long,
        ...(allowNo ? [{ value: `--no-${name}`, description: `Not: ${text}` }] : []),
      ];
    });
  const help = { value: '--help', description: 'Show help.' };
  return { candidates: matching([...flags, help], current), files: false };
}

async function valueCompletion(
  expected: FlagFacts | ArgFacts,
  id: string,
  current: string,
  prefix: string,
  valuesOf: ValueSource,
): Promise<Completion> {
  const typed = current.slice(prefix.length);
  const fixed = expected.options?.map((value): Candidate => ({ value }));
  const values = fixed ?? (await valuesOf(expected.name, id));
  // A model may also be given as a file.
  const files = expected.name === 'model' || FILE_VALUE.test(expected.helpValue ?? expected.name);
  const candidates = matching(values ?? [], typed).map(({ value, description }) => ({
    value: `${prefix}${value}`,
    description,
  }));
  return { candidates, files };
}

/** Those that begin with what was typed, else those that hold it somewhere, as a part of a name is enough for a model. */
function matching(candidates: readonly Candidate[], typed: string): Candidate[] {
  const begins = candidates.filter(({ value }) => value.startsWith(typed));
  if (begins.length > 0 || typed.startsWith('-')) return begins;
  const wanted = typed.toLowerCase();
  return candidates.filter(({ value }) => value.toLowerCase().includes(wanted));
}

function argAt(index: number, { args }: CommandFacts): ArgFacts | undefined {
  const all = Object.values(args);
  const last = all.at(-1);
  return all[index] ?? (last?.multiple ? last : undefined);
}

function firstLine(text: string | undefined): string | undefined {
  return text?.split('\n', 1)[0];
}

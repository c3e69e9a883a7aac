import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { didYouMean, nearest } from '../../runtime/models/suggest.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';
import type { ChatSession, OnText } from './session.ts';

export interface CommandContext {
  readonly session: ChatSession;
  /** Tells the person something that is no answer. */
  readonly say: (text: string) => void;
  readonly onText: OnText;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

interface SlashCommand {
  readonly argument?: string;
  readonly summary: string;
  /** `leave` ends the chat. */
  run(context: CommandContext, argument: string): Promise<void> | void | 'leave';
}

const COMMANDS: Readonly<Record<string, SlashCommand>> = {
  help: {
    summary: 'Tell what can be typed here.',
    run: ({ say }) => say(help()),
  },
  model: {
    argument: '[MODEL]',
    summary: 'Tell the model, or go on with another.',
    run: async ({ session, say, signal }, model) => {
      if (model !== '') await session.switchModel(model, signal);
      say(`The model is ${session.model ?? "the grid's choice or the demo model"}.`);
    },
  },
  system: {
    argument: '[TEXT|-]',
    summary: 'Tell the instructions, give others, or none (-).',
    run: ({ session, say }, text) => {
      if (text !== '') session.instruct(text === '-' ? undefined : text);
      say(session.system === undefined ? 'There are no instructions.' : `Instructions: ${session.system}`);
    },
  },
  retry: {
    summary: 'Answer the last message anew.',
    run: ({ session, onText, signal }) => session.retry(onText, signal),
  },
  clear: {
    summary: 'Begin a new conversation; the old one stays in the log.',
    run: ({ session, say }) => {
      session.clear();
      say('This is a new conversation.');
    },
  },
  save: {
    argument: 'FILE',
    summary: 'Write the conversation to a new file, as JSON if it ends in .json.',
    run: ({ session, say }, file) => say(`Wrote ${save(session, file)}.`),
  },
  exit: {
    summary: 'Leave; so does Ctrl-D.',
    run: () => 'leave',
  },
};

/** What other programs call ours. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['bye', 'exit'],
  ['quit', 'exit'],
]);

/** What Tab may make of the beginning of a command. */
export function completeCommand(line: string): readonly string[] {
  return Object.keys(COMMANDS)
    .map((name) => `/${name}`)
    .filter((command) => command.startsWith(line) && line !== '');
}

/**
 * The command and its argument when a line is one: a slash and a word. A path such as `/etc/hosts`, and what begins
 * with two slashes, is a message.
 */
export function parseCommand(line: string): { name: string; argument: string } | undefined {
  const match = /^\/([A-Za-z]+)(?:\s+([\s\S]*))?$/.exec(line.trim());
  return match ? { name: match[1] ?? '', argument: (match[2] ?? '').trim() } : undefined;
}

/** The message that a line is: a second slash says that the first is no command. */
export function unescapeMessage(line: string): string {
  return line.startsWith('//') ? line.slice(1) : line;
}

/** @throws AipgError `usage` when there is no such command, and what the command throws */
export async function runCommand(
  { name, argument }: { name: string; argument: string },
  context: CommandContext,
): Promise<'leave' | undefined> {
  const own = SYNONYMS.get(name) ?? name;
  const command = Object.hasOwn(COMMANDS, own) ? COMMANDS[own] : undefined;
  if (!command) {
    const near = nearest(name, Object.keys(COMMANDS)).map((other) => `/${other}`);
    throw new AipgError('usage', `There is no command /${name}.`, {
      hint:
        didYouMean(near) ?? '/help tells what there is; a message that starts with a slash starts with two.',
    });
  }
  if (command.argument === undefined && argument !== '') {
    throw new AipgError('usage', `/${name} takes nothing after it.`);
  }
  return (await command.run(context, argument)) === 'leave' ? 'leave' : undefined;
}

function help(): string {
  const rows = Object.entries(COMMANDS).map(([name, { argument = '', summary }]) => {
    return [`/${name} ${argument}`.trimEnd(), summary] as const;
  });
  const keys = [
    ['"""', 'Begins and ends a message of several lines; a \\ at the end of a line continues it.'],
    ['Ctrl-C', 'Stops an answer, clears the line; twice at the prompt: leaves.'],
    ['Arrow up', 'Goes back to earlier messages, of earlier chats too.'],
  ] as const;
  return [...rows, ...keys].map(([what, summary]) => `${what.padEnd(16)} ${summary}`).join('\n');
}

/** @returns the file. @throws AipgError `usage` when it cannot be written or is there already */
function save({ messages }: ChatSession, argument: string): string {
  if (argument === '') throw new AipgError('usage', 'Name a file: /save chat.md');
  const file = argument.startsWith('~/') ? join(homedir(), argument.slice(2)) : argument;
  const text = /\.json$/i.test(file)
    ? `${JSON.stringify({ messages }, undefined, 2)}\n`
    : messages.map(({ role, content }) => `## ${role}\n\n${content}\n`).join('\n');
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const why = exists ? 'it is there already' : (cause as Error).message;
    throw new AipgError('usage', `${file} was not written: ${why}.`, { hint: 'Name another file.', cause });
  }
  return file;
}

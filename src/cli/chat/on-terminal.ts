import process from 'node:process';
import { AipgError } from '../../runtime/protocol/errors.ts';
import { AnswerWriter } from '../job-output.ts';
import { reportError } from '../report-error.ts';
import { paint } from '../terminal.ts';
import { LineEditor } from './line-editor.ts';
import { MessageLines } from './message-lines.ts';
import type { PromptHistory } from './prompt-history.ts';
import type { ChatSession } from './session.ts';
import { completeCommand, parseCommand, runCommand, unescapeMessage } from './slash-commands.ts';

export interface TerminalChatOptions {
  readonly session: ChatSession;
  /** Absent: what is typed is not kept. */
  readonly history: PromptHistory | undefined;
  readonly signal: AbortSignal;
}

/**
 * A chat with a person at a terminal, until they leave.
 * @throws the signal's reason; AipgError when the model or the grid that it begins with cannot be had
 */
export async function chatOnTerminal({ session, history, signal }: TerminalChatOptions): Promise<void> {
  const { bold, dim } = paint(process.stderr);
  const say = (text: string) => process.stderr.write(`${dim(text)}\n`);
  const grid = await session.open(signal);
  say(greeting(session, grid));

  const output = process.stdout.isTTY ? process.stdout : process.stderr;
  const earlier = history?.load() ?? [];
  using editor = new LineEditor({ output, history: earlier, complete: completeCommand });
  const lines = new MessageLines();
  let interrupts = 0;
  for (;;) {
    const line = await editor.read(bold(lines.pending ? '… ' : '> '), signal);
    if (line.type === 'end') {
      process.stderr.write('\n');
      return;
    }
    if (line.type === 'interrupt') {
      process.stderr.write('\n');
      lines.reset();
      interrupts += 1;
      if (interrupts === 2) return;
      say('Ctrl-C again leaves, and so does Ctrl-D.');
      continue;
    }
    interrupts = 0;
    const message = lines.push(line.text);
    if (message === undefined || message.trim() === '') continue;
    editor.remember(message);
    history?.add(message);
    const act = (stop: AbortSignal) => respond(session, message, say, stop);
    if ((await interruptible(editor, act, signal)) === 'leave') return;
  }
}

function greeting({ model, name, turns }: ChatSession, grid: string): string {
  const what = model ?? (grid === 'local' ? 'the demo model aipg-tiny' : 'the model of the grid’s choice');
  const where = grid === 'local' ? 'in this process' : `on ${grid}`;
  const before =
    turns === 0
      ? ''
      : ` ${name ?? 'The conversation'} goes on after ${turns} ${turns === 1 ? 'turn' : 'turns'}.`;
  return `Chatting with ${what} ${where}.${before} /help tells what to type.`;
}

/** Runs what Ctrl-C stops without ending the chat; what goes wrong is told, and the chat goes on. */
async function interruptible(
  editor: LineEditor,
  act: (signal: AbortSignal) => Promise<'leave' | undefined>,
  signal: AbortSignal,
): Promise<'leave' | undefined> {
  const stop = new AbortController();
  editor.onInterrupt = () => stop.abort(new AipgError('cancelled', 'Stopped.'));
  try {
    return await act(AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (stop.signal.aborted) {
      process.stderr.write(`${paint(process.stderr).dim('Stopped.')}\n`);
      return undefined;
    }
    reportError(error);
    // Only the turn failed.
    process.exitCode = 0;
    return undefined;
  } finally {
    editor.onInterrupt = () => undefined;
  }
}

async function respond(
  session: ChatSession,
  message: string,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<'leave' | undefined> {
  const writer = new AnswerWriter();
  const onText = (text: string) => writer.write(text);
  try {
    const command = parseCommand(message);
    if (command) return await runCommand(command, { session, say, onText, signal });
    await session.ask(unescapeMessage(message), onText, signal);
    return undefined;
  } finally {
    writer.end();
  }
}

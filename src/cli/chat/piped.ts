import process from 'node:process';
import { createInterface } from 'node:readline';
import { addAbortSignal } from 'node:stream';
import { AipgError } from '../../runtime/protocol/errors.ts';
import { AnswerWriter } from '../job-output.ts';
import type { ChatSession } from './session.ts';

/** Longest line of stdin, in UTF-16 code units. */
const MAX_LINE = 1_000_000;

/**
 * A chat with a program: each line of stdin is a message, whatever it starts with, and its answer goes to stdout.
 * @throws AipgError what a turn failed with, which ends it
 */
export async function chatPiped({
  session,
  json,
  signal,
}: {
  session: ChatSession;
  json: boolean;
  signal: AbortSignal;
}): Promise<void> {
  const input = addAbortSignal(signal, process.stdin);
  // Its end is told by the lines, its failure by the signal.
  input.on('error', () => undefined);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    signal.throwIfAborted();
    if (line.trim() === '') continue;
    if (line.length > MAX_LINE) {
      throw new AipgError('input-invalid', `A line of stdin is longer than ${MAX_LINE} characters.`);
    }
    const writer = new AnswerWriter();
    const answer = await session.ask(line, (text) => json || writer.write(text), signal);
    writer.end();
    if (json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  signal.throwIfAborted();
}

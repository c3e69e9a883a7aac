import type { Message } from '../protocol/text.ts';
import type { LoggedJob } from './logged-job.ts';

/**
 * The messages of a conversation up to now, instructions first: what the newest turn sent, and what it was answered.
 * A turn keeps all that it sent, so that nothing of this depends on older turns still being in the log.
 */
export function messagesAfter({ input, text }: LoggedJob): Message[] {
  if (input.prompt.form === 'raw') return [];
  return [...input.prompt.messages, { role: 'assistant', content: text }];
}

/** The instructions, and what follows them. */
export function splitSystem(messages: readonly Message[]): { system: string | undefined; turns: Message[] } {
  return {
    system: messages.find(({ role }) => role === 'system')?.content,
    turns: messages.filter(({ role }) => role !== 'system'),
  };
}

/**
 * Without the oldest turn: a user's message and what follows up to the next one. Instructions and the newest turn
 * stay; `undefined` when there is nothing else.
 */
export function withoutOldestTurn(messages: readonly Message[]): Message[] | undefined {
  const isUser = ({ role }: Message) => role === 'user';
  const first = messages.findIndex(isUser);
  const second = messages.findIndex((message, at) => at > first && isUser(message));
  if (second < 0) return undefined;
  return [...messages.slice(0, second).filter(({ role }) => role === 'system'), ...messages.slice(second)];
}

/** How many turns a conversation has. */
export function countTurns(messages: readonly Message[]): number {
  return messages.filter(({ role }) => role === 'user').length;
}

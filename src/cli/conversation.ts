import { resolve } from 'node:path';
import process from 'node:process';
import { Flags } from '@oclif/core';
import { readLogSwitch } from '../runtime/config/log-switch.ts';
import type { Paths } from '../runtime/config/paths.ts';
import type { LoggedJob } from '../runtime/history/logged-job.ts';
import { messagesAfter, splitSystem, withoutOldestTurn } from '../runtime/history/messages.ts';
import { parseModelReference } from '../runtime/models/reference.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import type { JobId } from '../runtime/protocol/ids.ts';
import { LIMITS } from '../runtime/protocol/limits.ts';
import type { Message } from '../runtime/protocol/text.ts';
import type { TextFlags } from './text-job.ts';

/** Most that is sent of a conversation, in bytes of its messages: with the new prompt it has to fit one job. */
const MAX_HISTORY_BYTES = 192 * 1024;

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u;

/** Flags of what is said in a conversation and kept in the log. */
export const conversationFlags = {
  continue: Flags.boolean({
    char: 'c',
    description: 'Go on with the last conversation, its model and its settings.',
    helpGroup: 'CONVERSATION',
    exclusive: ['chat'],
  }),
  chat: Flags.string({
    description: 'Go on with the conversation of this name, or begin it.',
    helpGroup: 'CONVERSATION',
    helpValue: 'NAME',
  }),
  'no-log': Flags.boolean({
    description: 'Keep nothing of this in the log of this machine.',
    helpGroup: 'CONVERSATION',
  }),
};

/** A conversation as the next turn finds it. */
export interface Conversation {
  /** Absent: it begins with the next job. */
  readonly id?: JobId;
  readonly name?: string;
  /** What was said so far, without instructions. */
  readonly messages: readonly Message[];
  /** Turns that are too old to be sent any more, left out only now. */
  readonly leftOut: number;
  /** Instructions, model and settings of its last turn, as flags. */
  readonly settings: Partial<TextFlags> & { readonly model?: string };
}

export const NEW_CONVERSATION: Conversation = { messages: [], leftOut: 0, settings: {} };

export interface ConversationFlags {
  readonly continue?: boolean | undefined;
  readonly chat?: string | undefined;
  readonly raw?: boolean | undefined;
  readonly 'no-log'?: boolean | undefined;
}

/**
 * The conversation that the flags ask for; a new one without them. The log is only looked at when they do.
 * @throws AipgError `usage` when there is none to go on with, `history-unusable`
 */
export async function openConversation(paths: Paths, flags: ConversationFlags): Promise<Conversation> {
  if (!flags.continue && flags.chat === undefined) return NEW_CONVERSATION;
  if (flags.raw) {
    throw new AipgError('usage', 'A conversation needs the chat template that --raw leaves out.');
  }
  const name = flags.chat === undefined ? undefined : checkedName(flags.chat);
  if (!flags['no-log'] && !readLogSwitch(paths, process.env).on) {
    process.stderr.write('The log is off: what is said now is not kept for a next turn.\n');
  }
  const { openExistingHistory } = await import('../runtime/history/history.ts');
  using history = await openExistingHistory(paths);
  const last = history?.lastTurn(name);
  if (last) return goOnFrom(last);
  if (name !== undefined) return { ...NEW_CONVERSATION, name };
  throw new AipgError('usage', 'There is no conversation to go on with.', {
    hint: 'Begin one: aipg gen "…", or see what there is: aipg logs',
  });
}

/** A model reference that means the same from any folder. */
export function lastingReference(model: string | undefined): string | undefined {
  if (model === undefined) return undefined;
  const reference = parseModelReference(model);
  return reference.form === 'path' && !model.startsWith('~') ? resolve(reference.path) : model;
}

function goOnFrom(last: LoggedJob): Conversation {
  const { system, turns } = splitSystem(messagesAfter(last));
  const { messages, leftOut } = withinLimits(turns);
  const { sampling, maxTokens, stop } = last.input;
  const model = last.modelReference ?? last.model;
  return {
    id: last.conversation,
    ...(last.chat !== null && { name: last.chat }),
    messages,
    leftOut,
    settings: {
      ...(model !== null && { model }),
      ...(system !== undefined && { system }),
      'max-tokens': maxTokens,
      temperature: sampling.temperature,
      'top-k': sampling.topK,
      'top-p': sampling.topP,
      'min-p': sampling.minP,
      'repeat-penalty': sampling.repeatPenalty,
      ...(stop.length > 0 && { stop }),
    },
  };
}

/** As many of the newest turns as one job may carry beside a new prompt and instructions. */
export function withinLimits(turns: readonly Message[]): { messages: readonly Message[]; leftOut: number } {
  let messages: readonly Message[] = turns;
  let leftOut = 0;
  while (messages.length > LIMITS.messages - 2 || byteLength(messages) > MAX_HISTORY_BYTES) {
    messages = withoutOldestTurn(messages) ?? [];
    leftOut += 1;
  }
  return { messages, leftOut };
}

function byteLength(messages: readonly Message[]): number {
  return messages.reduce((sum, { content }) => sum + Buffer.byteLength(JSON.stringify(content)), 0);
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name;
  throw new AipgError(
    'usage',
    `${JSON.stringify(name)} cannot name a conversation: up to 64 letters, digits, spaces, ".", "_" and "-", the first a letter or digit.`,
  );
}

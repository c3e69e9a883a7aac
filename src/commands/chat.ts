import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { conversationFlags, openConversation } from '../cli/conversation.ts';
import { gridFlag, numberFlag } from '../cli/flags.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { textFlags } from '../cli/text-job.ts';
import { readLogSwitch } from '../runtime/config/log-switch.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

const { raw: _, ...chatTextFlags } = textFlags;

export default class Chat extends BaseCommand {
  static override summary = 'Talk with a model, turn by turn.';
  static override description =
    `On a terminal: a line editor with history, messages of several lines, and commands such as /model and /retry (see /help). Ctrl-C stops an answer, Ctrl-D leaves.
In a pipe: each line of stdin is a message, and its answer goes to stdout.
With a NAME the conversation of that name goes on; aipg gen --chat NAME adds to it too.`;
  static override examples = [
    '<%= config.bin %> chat',
    '<%= config.bin %> chat travel -m hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    '<%= config.bin %> chat --continue',
    "$ printf 'What is 3 + 4?\\nWhat is the capital of Peru?\\n' | <%= config.bin %> chat",
  ];

  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'Of a conversation to go on with or to begin.' }),
  };

  static override flags = {
    model: Flags.string({
      char: 'm',
      description: 'A name, a path to a .gguf file, or hf:org/repo[:QUANT|:file.gguf].',
      helpValue: 'MODEL',
    }),
    ...chatTextFlags,
    continue: Flags.boolean({
      char: 'c',
      description: 'Go on with the last conversation, its model and its settings.',
      helpGroup: 'CONVERSATION',
    }),
    'no-log': conversationFlags['no-log'],
    grid: gridFlag,
    threads: numberFlag('threads', { min: 1, max: 512, integer: true })({
      description: 'CPU threads, for answers of this process. Default: measured once.',
      helpValue: 'N',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Chat);
    if (flags.continue && args.name !== undefined) {
      throw new AipgError('usage', 'Name a conversation or say --continue, not both.');
    }
    const paths = resolvePaths();
    using stop = stopSignal();
    const { signal } = stop;
    const keep = !flags['no-log'];
    const conversation = await openConversation(paths, { ...flags, chat: args.name });
    const { ChatSession } = await import('../cli/chat/session.ts');
    await using session = new ChatSession({ paths, flags, conversation, keep });
    if (!process.stdin.isTTY) {
      const { chatPiped } = await import('../cli/chat/piped.ts');
      return await chatPiped({ session, json: flags.json, signal });
    }
    if (flags.json) {
      throw new AipgError('usage', '--json is for a chat in a pipe.', {
        hint: "printf 'What is 3 + 4?\\n' | aipg chat --json",
      });
    }
    const [{ chatOnTerminal }, { PromptHistory }] = await Promise.all([
      import('../cli/chat/on-terminal.ts'),
      import('../cli/chat/prompt-history.ts'),
    ]);
    const history = keep && readLogSwitch(paths, process.env).on ? new PromptHistory(paths) : undefined;
    await chatOnTerminal({ session, history, signal });
  }
}

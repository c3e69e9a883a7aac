import process from 'node:process';
import type { Paths } from '../runtime/config/paths.ts';
import type { Grid } from '../runtime/grids/grid.ts';
import { withoutOldestTurn } from '../runtime/history/messages.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import type { JobEvent } from '../runtime/protocol/events.ts';
import { newJobId } from '../runtime/protocol/ids.ts';
import type { JobSpec } from '../runtime/protocol/job.ts';
import type { Message } from '../runtime/protocol/text.ts';
import type { Conversation } from './conversation.ts';
import { type Answer, followJob } from './job-output.ts';
import { Recorder } from './recorder.ts';

/** What a conversation leaves free in the context for the answer, in tokens, before older turns have to go. */
const OUTPUT_ROOM = 256;

export interface TurnOptions {
  readonly paths: Paths;
  readonly grid: Grid;
  readonly conversation: Conversation;
  /** What `-m` said, or what the conversation has kept of it. */
  readonly model: string | undefined;
  /** False: nothing of this is kept in the log. */
  readonly keep: boolean;
  /** Warnings are JSON. */
  readonly json: boolean;
  /** Wait in the queue even if no worker serves the model now. */
  readonly wait?: boolean | undefined;
  /** Only the job's worker can read its content. */
  readonly sealed?: boolean | undefined;
  readonly onEvent?: ((event: JobEvent) => void) | undefined;
}

/** One job from its submit to its end, which the log is told of when the turn is disposed. */
export class Turn implements AsyncDisposable {
  readonly #options: TurnOptions;
  readonly #recorder: Recorder | undefined;
  #job: JobSpec | undefined;

  constructor(options: TurnOptions) {
    this.#options = options;
    this.#recorder = options.keep ? new Recorder(options) : undefined;
  }

  /** The job as it was sent at last: where older turns were left out, it is not the one that was asked for. */
  get job(): JobSpec {
    if (this.#job === undefined) throw new Error('The turn has no job yet.');
    return this.#job;
  }

  /**
   * Runs a job and hands on each piece of text as it comes. As long as a conversation does not fit the context its
   * oldest turn is left out, which stderr tells.
   * @throws AipgError what the job failed with, `cancelled`; the signal's reason
   */
  async answer(job: JobSpec, onText: (text: string) => void, signal: AbortSignal): Promise<Answer> {
    const { messages, leftOut: before } = this.#options.conversation;
    const mayShorten = messages.length > 0;
    let leftOut = before;
    let { prompt } = job.input;
    for (;;) {
      const shorter = mayShorten && prompt.form === 'chat' ? withoutOldestTurn(prompt.messages) : undefined;
      const outputRoom = Math.min(OUTPUT_ROOM, job.input.maxTokens);
      const sent = {
        ...job,
        id: this.#job === undefined ? job.id : newJobId(),
        input: { ...job.input, prompt, ...(shorter && { outputRoom }) },
      };
      this.#job = sent;
      this.#recorder?.start(sent);
      try {
        const answer = await this.#follow(sent, onText, () => tellLeftOut(leftOut), signal);
        this.#recorder?.answered(answer);
        return answer;
      } catch (error) {
        if (shorter && error instanceof AipgError && error.code === 'context-exceeded') {
          leftOut += 1;
          prompt = { form: 'chat', messages: shorter };
          continue;
        }
        this.#recorder?.failed(error);
        throw error;
      }
    }
  }

  /** What was said so far, instructions first, for the next turn to go on from. */
  messages(text: string): Message[] {
    const { prompt } = this.job.input;
    return prompt.form === 'chat' ? [...prompt.messages, { role: 'assistant', content: text }] : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recorder?.write();
  }

  async #follow(
    job: JobSpec,
    onText: (text: string) => void,
    onFirst: () => void,
    signal: AbortSignal,
  ): Promise<Answer> {
    let first = true;
    const { grid, wait, sealed, onEvent } = this.#options;
    const handle = await grid.submit(job, { signal, wait, sealed });
    return await followJob(
      handle,
      (text) => {
        if (first) onFirst();
        first = false;
        onText(text);
        this.#recorder?.text(text);
      },
      signal,
      onEvent === undefined ? {} : { onEvent },
    );
  }
}

function tellLeftOut(turns: number): void {
  if (turns === 0) return;
  const what = turns === 1 ? 'The oldest turn no longer fits' : `The oldest ${turns} turns no longer fit`;
  process.stderr.write(`${what} the context and ${turns === 1 ? 'was' : 'were'} left out.\n`);
}

import process from 'node:process';
import type { Paths } from '../../runtime/config/paths.ts';
import { type GridChoice, selectGrid } from '../../runtime/config/select-grid.ts';
import type { Grid } from '../../runtime/grids/grid.ts';
import { modelNameOnGrid } from '../../runtime/grids/open.ts';
import { countTurns, splitSystem } from '../../runtime/history/messages.ts';
import { parseModelReference } from '../../runtime/models/reference.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';
import type { Message } from '../../runtime/protocol/text.ts';
import { type Conversation, lastingReference, NEW_CONVERSATION } from '../conversation.ts';
import { ensureModel, modelReference } from '../ensure-model.ts';
import { answerJson } from '../job-output.ts';
import { openWithProgress } from '../open-with-progress.ts';
import { type TextFlags, textJob } from '../text-job.ts';
import { Turn } from '../turn.ts';

export interface ChatFlags extends Omit<TextFlags, 'raw'> {
  readonly model?: string | undefined;
  readonly grid?: string | undefined;
  readonly threads?: number | undefined;
  readonly json: boolean;
}

export interface ChatOptions {
  readonly paths: Paths;
  readonly flags: ChatFlags;
  readonly conversation: Conversation;
  /** False: nothing is kept in the log. */
  readonly keep: boolean;
}

export type OnText = (text: string) => void;

/** A conversation with a model that stays loaded, or a grid that stays connected, from turn to turn. */
export class ChatSession implements AsyncDisposable {
  readonly #options: ChatOptions;
  #flags: ChatFlags;
  #conversation: Conversation;
  /** Made once, so that a grid that went away is not silently another one the next time. */
  #choice: GridChoice | undefined;
  #grid: Grid | undefined;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#conversation = options.conversation;
    this.#flags = { ...options.conversation.settings, ...options.flags };
  }

  /** What `-m` or `/model` said; `undefined` where the choice is open. */
  get model(): string | undefined {
    return this.#flags.model;
  }

  get system(): string | undefined {
    return this.#flags.system === '' ? undefined : this.#flags.system;
  }

  get name(): string | undefined {
    return this.#conversation.name;
  }

  get turns(): number {
    return countTurns(this.#conversation.messages);
  }

  /** All that was said and is still sent, instructions first. */
  get messages(): readonly Message[] {
    const system = this.system === undefined ? [] : [{ role: 'system' as const, content: this.system }];
    return [...system, ...this.#conversation.messages];
  }

  /** Loads the model or connects the grid, once. Returns the grid's name. @throws AipgError as `openGrid` */
  async open(signal: AbortSignal): Promise<string> {
    return (await this.#open(signal)).grid.name;
  }

  /**
   * One turn. What was said before an abort stays in the conversation, as cut off; a turn that fails leaves it as it
   * was.
   * @throws AipgError what the job failed with, `cancelled`; the signal's reason
   */
  async ask(text: string, onText: OnText, signal: AbortSignal): Promise<ReturnType<typeof answerJson>> {
    const { grid, choice } = await this.#open(signal);
    const { paths, keep } = this.#options;
    const model = choice.where === 'bus' ? await modelNameOnGrid(this.model) : undefined;
    const { messages: history } = this.#conversation;
    const job = textJob(text, { ...this.#flags, raw: false }, { model, timeoutMs: undefined, history });
    await using turn = new Turn({
      paths,
      grid,
      conversation: this.#conversation,
      model: lastingReference(this.model),
      keep,
      json: this.#flags.json,
    });
    let said = '';
    const hear: OnText = (piece) => {
      said += piece;
      onText(piece);
    };
    try {
      const answer = await turn.answer(job, hear, signal);
      this.#goOn(turn, answer.text);
      return answerJson(grid, turn.job, answer);
    } catch (error) {
      if (signal.aborted && said !== '') this.#goOn(turn, said);
      // The next turn connects anew.
      if (error instanceof AipgError && error.code === 'grid-unreachable') await this.#close();
      throw error;
    }
  }

  /** Asks the last question again, in place of its answer. @throws AipgError `usage` when there was none */
  async retry(onText: OnText, signal: AbortSignal): Promise<void> {
    const { messages } = this.#conversation;
    const at = messages.findLastIndex(({ role }) => role === 'user');
    const last = messages[at];
    if (last === undefined) throw new AipgError('usage', 'There is nothing to ask again yet.');
    const before = this.#conversation;
    const flags = this.#flags;
    const asked = { ...before, messages: messages.slice(0, at) };
    this.#conversation = asked;
    // The same seed would say the same again.
    const { seed: _, ...unseeded } = flags;
    this.#flags = unseeded;
    try {
      await this.ask(last.content, onText, signal);
    } finally {
      this.#flags = flags;
      if (this.#conversation === asked) this.#conversation = before;
    }
  }

  /** Begins a new conversation, with the same model, instructions and settings. */
  clear(): void {
    this.#conversation = NEW_CONVERSATION;
  }

  /** Other instructions from the next turn on; `undefined`: none. */
  instruct(system: string | undefined): void {
    this.#flags = { ...this.#flags, system: system ?? '' };
  }

  /**
   * Another model from the next turn on. Where it cannot be had, the one before stays.
   * @throws AipgError as `resolveModel` and `openGrid`
   */
  async switchModel(model: string, signal: AbortSignal): Promise<void> {
    const reference = modelReference(model, this.#options.paths);
    const isPath = parseModelReference(reference).form === 'path';
    if (this.#choice?.where === 'bus' && (!isPath || this.#flags.grid !== undefined)) {
      await modelNameOnGrid(reference);
      this.#flags = { ...this.#flags, model };
      return;
    }
    await this.#fetch(model, signal);
    const before = { flags: this.#flags, choice: this.#choice };
    // Unloaded first: there may be no memory for both.
    await this.#close();
    this.#flags = { ...before.flags, model };
    this.#choice = undefined;
    try {
      await this.open(signal);
    } catch (error) {
      this.#flags = before.flags;
      this.#choice = before.choice;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #fetch(model: string, signal: AbortSignal): Promise<void> {
    const { paths } = this.#options;
    // The line editor has stdin.
    await ensureModel(model, { paths, yes: false, mayAsk: false, signal });
    const { resolveModel } = await import('../../runtime/models/resolve.ts');
    await resolveModel(model, {
      env: process.env,
      cacheDir: paths.cache,
      configDir: paths.config,
      signal,
    });
  }

  async #open(signal: AbortSignal): Promise<{ grid: Grid; choice: GridChoice }> {
    const { paths } = this.#options;
    const { grid: asked, threads } = this.#flags;
    const model = modelReference(this.#flags.model, paths);
    const isPath = parseModelReference(model).form === 'path';
    this.#choice ??= selectGrid({ paths, asked: asked ?? (isPath ? 'local' : undefined) });
    const choice = this.#choice;
    if (choice.where === 'local') await ensureModel(model, { paths, yes: false, mayAsk: false, signal });
    this.#grid ??= await openWithProgress({ choice, paths, env: process.env, signal, model, threads });
    return { grid: this.#grid, choice };
  }

  async #close(): Promise<void> {
    const grid = this.#grid;
    this.#grid = undefined;
    await grid?.[Symbol.asyncDispose]();
  }

  #goOn(turn: Turn, text: string): void {
    const { turns } = splitSystem(turn.messages(text));
    this.#conversation = {
      ...this.#conversation,
      id: this.#conversation.id ?? turn.job.id,
      messages: turns,
      leftOut: 0,
    };
  }
}

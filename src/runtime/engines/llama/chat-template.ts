import type { ChatHistoryItem, ChatWrapper, LlamaModel, LlamaText, Token } from 'node-llama-cpp';
import { AipgError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/text.ts';
import type { NodeLlamaCpp } from './backend.ts';

/** How a model expects a conversation. */
export interface ChatTemplate {
  /**
   * The conversation as the model's file says, up to where the answer begins; where the last message is the
   * assistant's, up to its end, so that the answer goes on from it, as in llama.cpp's server. Only the template's own
   * text makes control tokens; what looks like one in a message stays text.
   * @throws AipgError `input-invalid` when the template refuses the conversation.
   */
  tokenize(messages: readonly Message[]): Token[];
  /** What the template writes after an answer: tokens and texts that end one. */
  readonly endTokens: readonly Token[];
  readonly endTexts: readonly string[];
}

export function chatTemplate(model: LlamaModel, nodeLlamaCpp: NodeLlamaCpp): ChatTemplate {
  const turns = jinjaTurns(model, nodeLlamaCpp) ?? namedTurns(model, nodeLlamaCpp);
  return {
    tokenize(messages) {
      const text = turns.render(messages.map(historyItem));
      return text.tokenize(model.tokenizer);
    },
    ...ends(model, turns.ends),
  };
}

interface Turns {
  render(history: ChatHistoryItem[]): LlamaText;
  readonly ends: readonly LlamaText[];
}

const OPEN_ANSWER: ChatHistoryItem = { type: 'model', response: [] };

/** Turns by the file's own Jinja template; undefined when it has none, or one that cannot be rendered. */
function jinjaTurns(model: LlamaModel, nodeLlamaCpp: NodeLlamaCpp): Turns | undefined {
  const template = model.fileInfo.metadata?.tokenizer?.chat_template;
  if (template === undefined || template.trim() === '') return undefined;
  const wrapper = (joined: boolean, rest: { additionalRenderParameters?: Record<string, unknown> } = {}) =>
    new nodeLlamaCpp.JinjaTemplateChatWrapper({
      template,
      functionCallMessageTemplate: 'noJinja',
      joinAdjacentMessagesOfTheSameType: joined,
      // The template's own default, not the library's.
      reasoning: null,
      ...rest,
    });
  const withPrompt = { additionalRenderParameters: { add_generation_prompt: true } };
  try {
    const exact = wrapper(false, withPrompt);
    return {
      render(history) {
        try {
          return exact.generateContextState({ chatHistory: history }).contextText;
        } catch (refusal) {
          // Some templates insist that roles alternate.
          return joinedOr(refusal, () =>
            wrapper(true, withPrompt).generateContextState({ chatHistory: history }),
          );
        }
      },
      ends: answerEnds(wrapper(false)),
    };
  } catch {
    return undefined;
  }
}

function joinedOr(refusal: unknown, render: () => { contextText: LlamaText }): LlamaText {
  try {
    return render().contextText;
  } catch {
    const reason = refusal instanceof Error ? refusal.message : String(refusal);
    throw new AipgError('input-invalid', `The model's chat template refuses this conversation: ${reason}`, {
      hint: 'Let the roles user and assistant take turns, or send a raw prompt.',
      cause: refusal,
    });
  }
}

/** Turns by the format that the library knows for models of this name; a plain one for others. */
function namedTurns(model: LlamaModel, nodeLlamaCpp: NodeLlamaCpp): Turns {
  const wrapper = nodeLlamaCpp.resolveChatWrapper(model, { noJinja: true, warningLogs: false });
  return {
    render(history) {
      const open = history.at(-1)?.type === 'model' ? history : [...history, OPEN_ANSWER];
      return wrapper.generateContextState({ chatHistory: open }).contextText;
    },
    ends: answerEnds(wrapper),
  };
}

function answerEnds(wrapper: ChatWrapper): readonly LlamaText[] {
  return wrapper.generateContextState({ chatHistory: [{ type: 'user', text: '?' }, OPEN_ANSWER] })
    .stopGenerationTriggers;
}

/** An end that starts with a control token is that token; any other is its text. */
function ends(
  model: LlamaModel,
  triggers: readonly LlamaText[],
): Pick<ChatTemplate, 'endTokens' | 'endTexts'> {
  const endTokens = new Set<Token>();
  const endTexts = new Set<string>();
  for (const trigger of triggers) {
    const tokens = trigger.tokenize(model.tokenizer, 'trimLeadingSpace');
    const first = tokens[0];
    if (first === undefined) continue;
    if (model.isSpecialToken(first)) endTokens.add(first);
    else endTexts.add(model.detokenize(tokens, true));
  }
  // A template that only writes a line break after an answer must not end it at its first line.
  return { endTokens: [...endTokens], endTexts: [...endTexts].filter((text) => text.trim() !== '') };
}

function historyItem({ role, content }: Message): ChatHistoryItem {
  switch (role) {
    case 'system':
      return { type: 'system', text: content };
    case 'user':
      return { type: 'user', text: content };
    case 'assistant':
      return { type: 'model', response: [content] };
  }
}

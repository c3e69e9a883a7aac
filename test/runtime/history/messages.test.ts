import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  countTurns,
  messagesAfter,
  splitSystem,
  withoutOldestTurn,
} from '../../../src/runtime/history/messages.ts';
import type { Message } from '../../../src/runtime/protocol/text.ts';
import { answered } from './support.ts';

const system = (content: string): Message => ({ role: 'system', content });
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

test('a conversation is what its newest turn sent and the answer', () => {
  const messages = [system('s'), user('1'), assistant('a'), user('2')];
  expect(messagesAfter(answered(messages, 'b'))).toEqual([...messages, assistant('b')]);
});

test('the oldest turn is a question with its answer; instructions and the newest turn stay', () => {
  const messages = [system('s'), user('1'), assistant('a'), user('2'), assistant('b'), user('3')];
  const shorter = withoutOldestTurn(messages);
  expect(shorter).toEqual([system('s'), user('2'), assistant('b'), user('3')]);
  expect(withoutOldestTurn(shorter ?? [])).toEqual([system('s'), user('3')]);
  expect(withoutOldestTurn([system('s'), user('3')])).toBeUndefined();
});

test('leaving out turns always ends, one by one, at the newest, with the instructions as they were', () => {
  const turn = fc.tuple(fc.string(), fc.option(fc.string()));
  fc.assert(
    fc.property(fc.option(fc.string()), fc.array(turn), fc.string(), (instructions, turns, last) => {
      const messages = [
        ...(instructions === null ? [] : [system(instructions)]),
        ...turns.flatMap(([q, a]) => (a === null ? [user(q)] : [user(q), assistant(a)])),
        user(last),
      ];
      let rest: Message[] | undefined = messages;
      for (let left = turns.length; left > 0; left--) {
        rest = withoutOldestTurn(rest ?? []);
        expect(countTurns(rest ?? [])).toBe(left);
        expect(splitSystem(rest ?? []).system).toBe(instructions ?? undefined);
      }
      expect(splitSystem(rest ?? []).turns).toEqual([user(last)]);
      expect(withoutOldestTurn(rest ?? [])).toBeUndefined();
    }),
  );
});

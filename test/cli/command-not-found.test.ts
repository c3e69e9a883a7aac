import { describe, expect, test } from 'vitest';
import commandNotFound from '../../src/cli/command-not-found.ts';

const config = { bin: 'aipg', commandIDs: ['doctor', 'grid:join', 'grid:ls', 'models', 'models:show'] };
/** @param id what was asked for, its words joined as oclif does */
const ask = (id: string) => commandNotFound.call({} as never, { id, config } as never);

describe('what is no command', () => {
  test.each([
    ['doctr', 'There is no command named doctr.', 'Did you mean doctor?'],
    ['grid:jion', 'There is no command named grid jion.', 'Did you mean grid join?'],
    ['models:shwo', 'There is no command named models shwo.', 'Did you mean models show?'],
    ['quite:other', 'There is no command named quite.', 'See aipg --help.'],
  ])('%s is told so, with the nearest', async (id, message, hint) => {
    await expect(ask(id)).rejects.toMatchObject({ code: 'usage', message, hint });
  });

  test('a command says which word it does not take', async () => {
    const message = '`aipg doctor` takes no words, but got "now".';
    await expect(ask('doctor:now')).rejects.toMatchObject({ code: 'usage', message });
  });

  test.each([
    ['grid:join:', '`aipg grid join` takes no words.'],
    ['grid:', 'There is no command like that.'],
    ['', 'There is no command like that.'],
  ])('a word behind "%s" that may be a key is not repeated', async (before, message) => {
    const invitation = 'aipg-invitation-1-eyJuYW1lIjoiaG9tZSIsInVybCI6Im5hdHM6Ly8';
    await expect(ask(`${before}${invitation}`)).rejects.toMatchObject({ code: 'usage', message });
  });
});

import { describe, expect, test } from 'vitest';
import commandNotFound from '../../src/cli/command-not-found.ts';

const config = { bin: 'aipg', commandIDs: ['doctor', 'grid:join', 'grid:ls'] };
/** @param id what was asked for, its words joined as oclif does */
const ask = (id: string) => commandNotFound.call({} as never, { id, config } as never);

describe('what is no command', () => {
  test.each([
    ['doctr', 'There is no command named doctr.', 'Did you mean doctor?'],
    ['grid:jion', 'There is no command named grid jion.', 'Did you mean grid join?'],
    ['quite:other', 'There is no command named quite.', 'See aipg --help.'],
  ])('%s is told so, with the nearest', async (id, message, hint) => {
    await expect(ask(id)).rejects.toMatchObject({ code: 'usage', message, hint });
  });

  test.each(['doctor:now', 'grid:join:aipg-invitation-1.abc'])(
    '%s is a command with words that it does not take, which may be a key',
    async (id) => {
      const error = await ask(id).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'usage',
        message: expect.stringMatching(/^`aipg .+` takes no words\.$/),
      });
      expect(JSON.stringify(error)).not.toContain('invitation-');
    },
  );
});

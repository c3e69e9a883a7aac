import type { Hook } from '@oclif/core';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

/** In characters. Whoever forgets `--file` may have written a key or an invitation as a word: those are longer. */
const LONGEST_SHOWN = 32;

/** oclif's hook for a command that is not there: suggests the ones that may have been meant. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const words = id.split(':');
  const known = config.commandIDs.map((command) => command.replaceAll(':', ' '));
  const [first = '', second] = words;
  const isTopic = known.some((command) => command.startsWith(`${first} `));
  const asked = isTopic && second !== undefined ? `${first} ${second}` : first;
  if (known.includes(asked)) {
    const word = words[asked.split(' ').length] ?? '';
    const given = word.length > LONGEST_SHOWN ? '' : `, but got "${word}"`;
    throw new AipgError('usage', `\`${config.bin} ${asked}\` takes no words${given}.`, {
      hint: `See ${config.bin} ${asked} --help.`,
    });
  }
  const named = asked.length > LONGEST_SHOWN ? 'like that' : `named ${asked}`;
  throw new AipgError('usage', `There is no command ${named}.`, {
    hint: didYouMean(nearest(asked, known)) ?? `See ${config.bin} --help.`,
  });
};

export default commandNotFound;

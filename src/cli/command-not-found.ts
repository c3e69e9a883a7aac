import type { Hook } from '@oclif/core';
import { didYouMean, nearest } from '../runtime/models/suggest.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

/** oclif's hook for a command that is not there: suggests the ones that may have been meant. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const words = id.split(':');
  const known = config.commandIDs.map((command) => command.replaceAll(':', ' '));
  const [first = '', second] = words;
  const commands = [first, `${first} ${second}`];
  const command = commands.find((name) => known.includes(name));
  if (command !== undefined) {
    // Not what it is: who forgets `--file` may have written a key here.
    throw new AipgError('usage', `\`${config.bin} ${command}\` takes no words.`, {
      hint: `See ${config.bin} ${command} --help.`,
    });
  }
  const topic = known.some((command) => command.startsWith(`${first} `));
  const asked = topic && second !== undefined ? `${first} ${second}` : first;
  throw new AipgError('usage', `There is no command named ${asked}.`, {
    hint: didYouMean(nearest(asked, known)) ?? `See ${config.bin} --help.`,
  });
};

export default commandNotFound;

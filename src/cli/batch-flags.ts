import { Flags } from '@oclif/core';
import { durationFlag, numberFlag } from './flags.ts';

const helpGroup = 'BATCH';

/** A batch has its prompts from its lines, and is no conversation. */
const NOT_OF_A_BATCH = ['file', 'template', 'param', 'continue', 'chat', 'replay', 'no-stream', 'stats'];

/** Flags of `aipg gen --batch`. */
export const batchFlags = {
  batch: Flags.string({
    description:
      'Answer each line of a JSON Lines file; `-` is stdin. Other flags are the defaults of its lines.',
    helpValue: 'FILE',
    helpGroup,
    exclusive: NOT_OF_A_BATCH,
  }),
  output: Flags.string({
    char: 'o',
    description: 'Where the results go, a line each. Default: stdout.',
    helpValue: 'FILE',
    dependsOn: ['batch'],
    helpGroup,
  }),
  jobs: numberFlag('jobs', { min: 1, max: 1_024, integer: true })({
    char: 'j',
    description: 'Lines in work at once. Default: twice the slots of the grid; 4 in this process.',
    helpValue: 'N',
    dependsOn: ['batch'],
    helpGroup,
  }),
  patience: durationFlag('patience')({
    description: 'How long the grid may be out of reach before the batch stops. Default: 75s.',
    helpValue: 'TIME',
    dependsOn: ['batch'],
    helpGroup,
  }),
  unordered: Flags.boolean({
    description: 'Write each result when it is there, not in the order of the input.',
    dependsOn: ['batch'],
    helpGroup,
  }),
  resume: Flags.boolean({
    description: 'Go on where a stopped batch left off; no line is answered twice.',
    dependsOn: ['batch', 'output'],
    helpGroup,
  }),
  'retry-errors': Flags.boolean({
    description: 'With --resume: lines that ended in an error are done again.',
    dependsOn: ['resume'],
    helpGroup,
  }),
};

import { join } from 'node:path';
import { ONE_THREAD } from './aipg.ts';
import { writeEndlessModel as write } from './endless-model.ts';

/** The endless model as a file of a folder, for a job to be met in the middle. */
export async function writeEndlessModel(folder: string): Promise<string> {
  return write(join(folder, 'endless.gguf'));
}

/** Words of a job on it that takes about two seconds. */
export const LONG_JOB = [
  ...ONE_THREAD,
  '--raw',
  ...['-n', '1600', '--temperature', '0.8', '--seed', '5'],
  'Once upon a time',
];

import type { Paths } from '../../runtime/config/paths.ts';
import type { History } from '../../runtime/history/history.ts';
import type { Candidate } from './candidates.ts';

/** Most that are offered: the newest. An older job is found by `aipg logs search`. */
const MOST = 200;
/** Of a prompt, as what a job is about, in characters. */
const PROMPT_LENGTH = 50;

/** The named conversations, the one that was last gone on with first. */
export function chats({ paths }: { readonly paths: Paths }): Promise<Candidate[]> {
  return fromLog(paths, (history) =>
    history.chats(MOST).map(({ name, jobs }) => ({
      value: name,
      description: `${jobs} ${jobs === 1 ? 'turn' : 'turns'}.`,
    })),
  );
}

/** The ids of logged jobs, the newest first, with the start of what was asked. */
export function loggedJobs({ paths }: { readonly paths: Paths }): Promise<Candidate[]> {
  return fromLog(paths, (history) =>
    history.prompts(MOST, PROMPT_LENGTH).map(({ id, prompt }) => ({
      value: id,
      description: prompt.replaceAll(/\s+/g, ' ').trim(),
    })),
  );
}

async function fromLog(paths: Paths, read: (history: History) => Candidate[]): Promise<Candidate[]> {
  const { openExistingHistory } = await import('../../runtime/history/history.ts');
  using history = await openExistingHistory(paths);
  return history ? read(history) : [];
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Paths, resolvePaths } from '../../../src/runtime/config/paths.ts';
import { type LoggedJob, loggedJobSchema } from '../../../src/runtime/history/logged-job.ts';
import { newJobId } from '../../../src/runtime/protocol/ids.ts';
import { deriveSeed, type Message } from '../../../src/runtime/protocol/text.ts';

/** A home with nothing in it. */
export function emptyHome(): { paths: Paths } & Disposable {
  const home = mkdtempSync(join(tmpdir(), 'aipg-history-'));
  return {
    paths: resolvePaths({}, home),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** A job that was answered: `text` to the last of the messages. */
export function answered(
  messages: readonly Message[] | string,
  text: string,
  fields: Partial<LoggedJob> = {},
): LoggedJob {
  const id = newJobId();
  const said = typeof messages === 'string' ? [{ role: 'user', content: messages }] : messages;
  return loggedJobSchema.parse({
    id,
    conversation: id,
    chat: null,
    createdAt: 1_700_000_000_000,
    status: 'done',
    input: { prompt: { form: 'chat', messages: said }, seed: deriveSeed('7') },
    text,
    model: 'aipg-tiny',
    modelSha256: 'a'.repeat(64),
    modelReference: null,
    sampler: 'gumbel-1',
    finishReason: 'stop',
    error: null,
    tokens: { prompt: 3, output: 4 },
    timings: { firstTextMs: 1.5, totalMs: 20, tokensPerSecond: 100.25 },
    grid: 'local',
    worker: null,
    ...fields,
  });
}

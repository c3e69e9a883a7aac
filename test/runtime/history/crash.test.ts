import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { historyFile, openHistory } from '../../../src/runtime/history/history.ts';
import { promptOf } from '../../../src/runtime/history/logged-job.ts';
import { openDatabase } from '../../../src/runtime/history/sqlite.ts';
import { answered, emptyHome } from './support.ts';

const WRITER = resolve(import.meta.dirname, '../../support/history-writer.ts');

test('a writer that is killed in the middle of a write leaves every job that it had finished, and a log to go on with', async () => {
  using home = emptyHome();
  const root = join(home.paths.data, '../../..');
  for (let round = 0; round < 4; round++) {
    const writer = spawn(process.execPath, [WRITER], {
      env: { HOME: root },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let written = -1;
    const lines = createInterface({ input: writer.stdout });
    lines.on('line', (line) => {
      written = Number(line);
      // It writes without a pause: wherever the signal meets it, a write is under way or just over.
      if (written === 20 + 7 * round) writer.kill('SIGKILL');
    });
    const [[, signal]] = await Promise.all([once(writer, 'exit'), once(lines, 'close')]);
    expect(signal).toBe('SIGKILL');

    const database = await openDatabase(historyFile(home.paths));
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    database.exec("INSERT INTO jobs_text (jobs_text) VALUES ('integrity-check')");
    database.close();

    using history = await openHistory(home.paths);
    const numbers = history
      .newest({ limit: 1_000 })
      .map(({ input }) => Number(promptOf(input).split(' ').at(-1)))
      .reverse();
    // The kill may have come after a write that it had no time to tell of.
    expect(numbers.length - 1).toBeGreaterThanOrEqual(written);
    expect(numbers).toEqual(numbers.map((_, at) => at));
    history.prune('all');
    const job = answered('after', 'all is well');
    history.add(job);
    expect(history.search(['after'], 1)).toEqual([job]);
    history.prune('all');
  }
});

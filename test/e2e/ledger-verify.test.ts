import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLedgerFile } from '../../bench/support/ledger-file.ts';
import { verifyExport } from '../../src/runtime/ledger/verify.ts';
import { Sandbox } from '../support/aipg.ts';
import { Terminal } from '../support/e2e-terminal.ts';

let home: Sandbox;
/** An export of some ten blocks, so that threads check it. */
let file: string;

beforeAll(async () => {
  home = await Sandbox.create();
  file = join(home.home, 'ledger.jsonl');
  await writeLedgerFile(file, 3_000);
});
afterAll(() => home[Symbol.asyncDispose]());

describe('aipg ledger verify', () => {
  test('checks a long export in threads of the built program, from a file and from a pipe', async () => {
    const found = await verifyExport([await readFile(file)], { threads: 0 });
    const { stdout, stderr, exitCode } = await home.aipg(['ledger', 'verify', file, '--json']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(JSON.parse(stdout)).toEqual(found);
    const piped = await home.bash(`cat ${file} | aipg ledger verify - --json`);
    expect(piped.stdout).toBe(stdout);
  });

  test('names the first entry that is wrong', async () => {
    const lines = (await readFile(file, 'utf8')).split('\n');
    const wrong = join(home.home, 'wrong.jsonl');
    const changed = lines.map((line, i) => (i >= 2_499 ? line.replace(/"hash":"../, '"hash":"zz') : line));
    await writeFile(wrong, changed.join('\n'));
    const { stdout, stderr, exitCode } = await home.aipg(['ledger', 'verify', wrong]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toMatch(/^error: The ledger is not right at entry 2500\. The entry has a wrong hash: /);
  });

  test('tells on a terminal how far it is, and Ctrl-C ends it', async () => {
    await using terminal = await Terminal.open(home);
    // More may come, and does not.
    const ended = await terminal.start(`aipg ledger verify - < <(cat ${file}; exec sleep 60)`);
    await terminal.until(/Verifying: [\d,]+ entries, [\d,]+ entries\/s/);
    await terminal.press('C-c');
    const { screen, status } = await ended();
    expect(status).toBe(130);
    expect(screen).not.toContain('Verifying');
  });
});

import { homedir } from 'node:os';
import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { paint, StatusLine, withoutControls } from '../cli/terminal.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import type { CheckResult, Finding, Machine } from '../runtime/doctor/check.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Tell what aipg finds on this machine, and what to fix.';
  static override description =
    `Looks at the engine, GPU, memory, folders, models, nats-server, grids and the shell, and has the bundled model answer.
Asks nothing of the internet unless --network is given; grids that are set up are visited.
Exit codes: 0 all is usable, 1 something is broken.`;
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --network --json'];
  static override flags = {
    network: Flags.boolean({ description: 'See whether the model hub can be reached.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const machine: Machine = {
      env: process.env,
      home: homedir(),
      paths: resolvePaths(),
      version: this.config.version,
      isTerminal: process.stdout.isTTY === true,
      network: flags.network,
    };
    const [{ CHECKS }, { runCheck }] = await Promise.all([
      import('../runtime/doctor/checks.ts'),
      import('../runtime/doctor/check.ts'),
    ]);
    using stop = stopSignal();
    using progress = new StatusLine();
    const running = CHECKS.map((check) => ({
      check,
      result: runCheck(check, machine, stop.signal),
    }));
    for (const { result } of running) result.catch(() => undefined);
    const results: CheckResult[] = [];
    for (const { check, result } of running) {
      if (!flags.json) progress.show(`Looking at ${check.subject} …`);
      const done = await result;
      results.push(done);
      progress.clear();
      if (!flags.json) process.stdout.write(render(done.findings));
    }
    const findings = results.flatMap((result) => result.findings);
    const broken = findings.filter(({ status }) => status === 'broken').length;
    if (flags.json) process.stdout.write(`${JSON.stringify(report(results, broken === 0))}\n`);
    else process.stdout.write(`\n${verdict(findings, broken)}\n`);
    if (broken > 0) process.exitCode = 1;
  }
}

/** The documented object of `doctor --json`. */
function report(results: readonly CheckResult[], ok: boolean) {
  const findings = results.flatMap(({ findings: each }) =>
    each.map(({ subject, status, summary, fix, facts }) => ({
      subject,
      status,
      summary,
      fix: fix ?? null,
      facts: facts ?? {},
    })),
  );
  return { ok, findings };
}

function render(findings: readonly Finding[]): string {
  const { bold, dim, green, red, yellow } = paint(process.stdout);
  const marks = { ok: green('✔'), warning: yellow('!'), broken: red('✘') };
  return findings
    .map(({ subject, status, summary, fix }) => {
      const line = `${marks[status]} ${bold(subject.padEnd(15))} ${withoutControls(summary)}\n`;
      return fix === undefined ? line : `${line}  ${' '.repeat(15)} ${dim(`→ ${withoutControls(fix)}`)}\n`;
    })
    .join('');
}

function verdict(findings: readonly Finding[], broken: number): string {
  const warnings = findings.filter(({ status }) => status === 'warning').length;
  if (broken > 0) return `${broken} broken${warnings > 0 ? `, ${warnings} to improve` : ''}.`;
  return warnings > 0 ? `All is usable, ${warnings} to improve.` : 'All is well.';
}

import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { writeJson } from '../../cli/credits-view.ts';
import { gridFlag } from '../../cli/flags.ts';
import { readProof } from '../../cli/ledger-files.ts';
import { verifyFile, verifyGrid } from '../../cli/ledger-verify.ts';
import { stopSignal } from '../../cli/stop-signal.ts';

export default class LedgerVerify extends BaseCommand {
  static override summary = 'Verify a ledger, from its export alone, or a proof.';
  static override description =
    `Recomputes every hash, every rule, every signature of a worker, every daily root and the sums. Needs no grid where a FILE is given: one that \`ledger export\` or \`ledger prove\` wrote. Ends with code 1 when anything is wrong.`;
  static override examples = [
    '<%= config.bin %> ledger verify',
    '<%= config.bin %> ledger verify ledger.jsonl',
    '<%= config.bin %> ledger verify proof.json --root 5f0c…',
  ];
  static override args = {
    file: Args.string({
      ignoreStdin: true,
      description: 'An export or a proof; `-` is stdin. Default: the grid.',
    }),
  };
  static override flags = {
    grid: gridFlag,
    root: Flags.string({
      description: 'The root of its day that a proof must lead to.',
      helpValue: 'SHA256',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LedgerVerify);
    const proof = args.file === undefined ? undefined : await readProof(args.file);
    if (proof !== undefined) {
      const { checkProof, describeProof } = await import('../../runtime/ledger/proof.ts');
      const found = await checkProof(proof, flags.root);
      if (flags.json) writeJson(found);
      else process.stdout.write(`${describeProof(found, flags.root !== undefined)}\n`);
      return;
    }
    using stop = stopSignal();
    const { signal } = stop;
    const found =
      args.file === undefined ? await verifyGrid(flags.grid, signal) : await verifyFile(args.file, signal);
    const { describeVerification } = await import('../../runtime/ledger/verify.ts');
    if (flags.json) writeJson(found);
    else process.stdout.write(`${describeVerification(found)}\nLast entry: ${found.hash}\n`);
  }
}

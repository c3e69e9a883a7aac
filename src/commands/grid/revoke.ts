import process from 'node:process';
import { Args } from '@oclif/core';
import { authorityFlags } from '../../cli/authority-flags.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class GridRevoke extends BaseCommand {
  static override summary = 'Void the keys of a member.';
  static override description =
    `An \`aipg up\` of this machine that runs the grid cuts the member off at once.
What an account has on the grid stays: its jobs end, its results are kept.`;
  static override examples = [
    '<%= config.bin %> grid revoke bob',
    '<%= config.bin %> grid revoke w-ab3kd92mfx2q',
  ];
  static override args = {
    who: Args.string({
      required: true,
      ignoreStdin: true,
      description: "An account's name or id, a worker's id or a public key, as `aipg grid keys` lists them.",
    }),
  };
  static override flags = { ...authorityFlags };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GridRevoke);
    const { Authority } = await import('../../runtime/identity/authority.ts');
    const authority = await Authority.open(resolvePaths(), flags.of);
    const revoked = await authority.revoke(args.who);
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ grid: authority.name, revoked })}\n`);
      return;
    }
    const many = `${revoked.length} ${revoked.length === 1 ? 'key' : 'keys'}`;
    process.stderr.write(
      revoked.length === 0
        ? `All keys of ${args.who} were void before.\n`
        : `Revoked ${many} of ${args.who}.\n`,
    );
  }
}

import process from 'node:process';
import { Flags } from '@oclif/core';
import type { PolicyFile } from '../runtime/director/policy/policy-file.ts';
import type { Log } from '../runtime/protocol/log.ts';

/** The flag by which directors are told what their grid takes. */
export const policyFlag = Flags.string({
  description:
    'What the grid takes: sizes, rates, blocked words, models. Read again on change and on SIGHUP.',
  helpValue: 'FILE',
});

export interface WatchedPolicy extends Disposable {
  readonly policy: PolicyFile['policy'] | undefined;
}

/** Reads the policy, if one is named, again on each SIGHUP, too. @throws AipgError `usage` */
export async function openPolicy(file: string | undefined, log: Log): Promise<WatchedPolicy> {
  if (file === undefined) return { policy: undefined, [Symbol.dispose]: () => undefined };
  const { PolicyFile } = await import('../runtime/director/policy/policy-file.ts');
  const opened = await PolicyFile.open(file, log);
  const onHangUp = () => void opened.reload();
  process.on('SIGHUP', onHangUp);
  return {
    policy: opened.policy,
    [Symbol.dispose]: () => {
      process.off('SIGHUP', onHangUp);
      opened[Symbol.dispose]();
    },
  };
}

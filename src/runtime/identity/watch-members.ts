import { watch } from 'node:fs';
import type { Authority } from './authority.ts';

/** Writes to one folder come in bursts; they are looked at together, in milliseconds. */
const BURST_MS = 50;

/** Calls back when a key has been revoked, by whichever process, until disposed. */
export function watchMembers(authority: Authority, onRevoked: () => void): Disposable {
  let known: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const members = await authority.members().catch(() => undefined);
    const revoked = members?.filter(({ revokedAt }) => revokedAt !== undefined).length ?? known;
    if (known !== undefined && revoked !== known) onRevoked();
    known = revoked;
  };
  const watcher = watch(authority.membersDir, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void look(), BURST_MS);
  });
  void look();
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

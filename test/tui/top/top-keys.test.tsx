import { render } from 'ink-testing-library';
import { expect, test } from 'vitest';
import { TopKeys } from '../../../src/tui/top/top-keys.tsx';
import type { Key } from '../../../src/tui/top/ui-state.ts';

test('keys come by their names, text as text, and nothing is drawn', async () => {
  const pressed: Key[] = [];
  const ready = Promise.withResolvers<unknown>();
  const view = <TopKeys onKeys={(keys) => pressed.push(...keys)} onReady={ready.resolve} />;
  const { stdin, lastFrame, unmount } = render(view);
  await ready.promise;
  for (const input of ['2', '\u001b[B', '\r', '\t', '\u001b[Z', '\u001b[6~', '\u0003', '狐', 'q']) {
    stdin.write(input);
  }
  expect(pressed).toEqual([
    { text: '2' },
    { name: 'down' },
    { name: 'enter' },
    { name: 'tab' },
    { name: 'backtab' },
    { name: 'pagedown' },
    { name: 'interrupt' },
    { text: '狐' },
    { text: 'q' },
  ]);
  expect(lastFrame()?.trim()).toBe('');
  unmount();
});

import { useApp, useInput } from 'ink';
import { useEffect } from 'react';
import { readKeys } from './keys.ts';
import type { Key } from './ui-state.ts';

/** Hands the terminal over while a callback runs. */
export type Suspend = (callback: () => Promise<void>) => Promise<unknown>;

export interface TopKeysProps {
  readonly onKeys: (keys: readonly Key[]) => void;
  readonly onReady?: (suspend: Suspend) => void;
}

/** The keys that are pressed. It draws nothing: see {@link TopScreen}. */
export function TopKeys({ onKeys, onReady }: TopKeysProps) {
  const { suspendTerminal } = useApp();
  useInput((input, key) => onKeys(readKeys(input, key)));
  useEffect(() => onReady?.(suspendTerminal), [onReady, suspendTerminal]);
  return null;
}

import { Box, Text, useApp, useInput } from 'ink';
import { memo, useEffect } from 'react';
import { readKeys } from './keys.ts';
import type { Key } from './ui-state.ts';

export interface TopViewProps {
  readonly lines: readonly string[];
  /** The same function each time. */
  readonly onKeys: (keys: readonly Key[]) => void;
  /** Gets what hands the terminal over while a callback runs. */
  readonly onReady?: (suspend: (callback: () => Promise<void>) => Promise<unknown>) => void;
}

/** A frame: a string a row, which costs a third of what a box a cell does. */
export function TopView({ lines, onKeys, onReady }: TopViewProps) {
  const { suspendTerminal } = useApp();
  useInput((input, key) => onKeys(readKeys(input, key)));
  useEffect(() => onReady?.(suspendTerminal), [onReady, suspendTerminal]);
  return (
    <Box flexDirection="column">
      {lines.map((line, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row of the screen is its place
        <Row key={row} line={line} />
      ))}
    </Box>
  );
}

const Row = memo(({ line }: { readonly line: string }) => (
  // A text without a character would take no row.
  <Text wrap="truncate-end">{line === '' ? ' ' : line}</Text>
));

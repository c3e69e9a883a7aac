import { Box, render, Text } from 'ink';
import { createElement } from 'react';

/** Ink alone: as many rows as the terminal has, each a string whose numbers change with each of four frames a second. */
const { columns = 80, rows = 24 } = process.stdout;

function frame(n: number) {
  const lines = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: 8 }, (_, cell) => {
      const text = String((n * 7919 + row * 104_729 + cell * 1_299_709) % 1_000_000).padStart(20);
      return cell % 2 === 0 ? text : `\u001b[32m${text}\u001b[39m`;
    });
    return createElement(Text, { key: row, wrap: 'truncate-end' }, cells.join(' ').slice(0, columns));
  });
  return createElement(Box, { flexDirection: 'column' }, lines);
}

const screen = render(frame(0), {
  alternateScreen: true,
  incrementalRendering: true,
  patchConsole: false,
  maxFps: 60,
});
let frames = 0;
setInterval(() => screen.rerender(frame(++frames)), 250);
process.on('SIGTERM', () => {
  screen.unmount();
  process.exit(0);
});

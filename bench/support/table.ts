/** Prints rows under a title: the first column to the left, numbers to the right. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  notes: readonly string[] = [],
): void {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const draw = (line: readonly string[]) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ');
  console.log(`\n${title}\n`);
  console.log(`  ${draw(head)}`);
  console.log(`  ${widths.map((width) => '─'.repeat(width)).join('   ')}`);
  for (const row of rows) console.log(`  ${draw(row)}`);
  for (const note of notes) console.log(`  ${note}`);
}

/** Three significant digits, whole from a hundred on. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/** The same with its sign. */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${number(Math.abs(value))}`;
}

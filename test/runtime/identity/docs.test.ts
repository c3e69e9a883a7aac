import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withRightsTable } from '../../../build/rights-table.ts';

test('docs/security.md shows the rights that the code has; if not: node build/rights-table.ts', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  expect(page).toBe(withRightsTable(page));
});

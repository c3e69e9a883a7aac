import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { RIGHTS, ROLES } from '../src/runtime/protocol/permissions.ts';

// Writes the table of rights into docs/security.md: node build/rights-table.ts

const PAGE = 'docs/security.md';
const BEGIN = '<!-- rights: made by build/rights-table.ts -->';
const END = '<!-- end of rights -->';

export function rightsTable(): string {
  const rows = ROLES.flatMap((role) =>
    RIGHTS[role].map(({ may, subject, why }) => `| ${role} | ${may} | \`${subject}\` | ${why} |`),
  );
  return ['| role | may | subject | what for |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The page with the table as the code has it. @throws Error when the page has no place for it */
export function withRightsTable(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no place for the table.`);
  return `${before}${BEGIN}\n${rightsTable()}\n${END}${after}`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(PAGE, withRightsTable(readFileSync(PAGE, 'utf8')));
}

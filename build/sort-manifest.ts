import { readFileSync, writeFileSync } from 'node:fs';

/** oclif writes its commands in the order in which the folder lists them, which is another on each machine. */
const FILE = 'oclif.manifest.json';
const { commands, ...rest } = JSON.parse(readFileSync(FILE, 'utf8')) as { commands: Record<string, unknown> };
const sorted = Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(FILE, `${JSON.stringify({ commands: Object.fromEntries(sorted), ...rest }, null, 2)}\n`);

import { formatCredits, type MicroCredits } from '../protocol/credits.ts';
import type { Entry } from './entry.ts';

const COLUMNS = [
  'n',
  'time',
  'kind',
  'account',
  'bucket',
  'credits',
  'job',
  'worker',
  'model',
  'note',
] as const;

export const CSV_HEAD = `${COLUMNS.join(',')}\r\n`;

/**
 * An entry as rows of CSV (RFC 4180), one for each posting, one for an entry that moves nothing. A cell that a
 * spreadsheet would take for a formula starts with an apostrophe, as OWASP advises.
 */
export function csvRows(entry: Entry): string {
  const { n, at, kind } = entry;
  const sides = entry.postings.length > 0 ? entry.postings : [undefined];
  const { job = '', worker = '', model = '', note = '' } = detailsOf(entry);
  return sides
    .map((side) => {
      const credits = side === undefined ? '' : formatCredits(side.amount as MicroCredits);
      const texts = [job, worker, model, note].map(cell);
      const row = [
        n,
        new Date(at).toISOString(),
        kind,
        cell(side?.account ?? ''),
        side?.bucket ?? '',
        credits,
      ];
      return `${[...row, ...texts].join(',')}\r\n`;
    })
    .join('');
}

interface Details {
  readonly job?: string;
  readonly worker?: string;
  readonly model?: string;
  readonly note?: string;
}

function detailsOf(entry: Entry): Details {
  switch (entry.kind) {
    case 'policy':
      return { note: JSON.stringify(entry.policy) };
    case 'price':
      return {
        model: entry.model,
        note: `${entry.name}: ${entry.rates.input} in, ${entry.rates.output} out`,
      };
    case 'issue':
    case 'transfer':
      return { note: entry.memo ?? '' };
    case 'reserve':
      return { job: entry.job, note: `${entry.tier}, price ${entry.price}` };
    case 'settle':
      return {
        job: entry.job,
        worker: entry.worker,
        model: entry.receipt.modelSha256,
        note: `${entry.counts.inputTokens} in, ${entry.counts.outputTokens} out, ${entry.counted}`,
      };
    case 'refund':
      return { job: entry.job, note: entry.reason };
    case 'root':
      return { note: `${entry.day}: ${entry.root}` };
    case 'team':
      return { note: `${entry.account}: ${entry.team ?? ''}` };
    case 'allowance':
      return {};
  }
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

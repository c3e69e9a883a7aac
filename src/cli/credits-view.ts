import process from 'node:process';
import type { Entry } from '../runtime/ledger/entry.ts';
import type { AccountBalance, Earnings, PolicyReply, TeamsReply } from '../runtime/ledger/requests.ts';
import { BASIS_POINTS, formatCredits, microCredits } from '../runtime/protocol/credits.ts';
import type { Account } from '../runtime/protocol/ids.ts';
import { table } from './model-output.ts';
import { paint, withoutControls } from './terminal.ts';

type Row = readonly [label: string, text: string];

export function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function balanceText(balance: AccountBalance): string {
  const { account, available, reserved, allowance, minimumBalance, team } = balance;
  return labelled([
    ['account', account],
    ['available', `${formatCredits(available)} credits`],
    ...(reserved > 0 ? [row('reserved', `${formatCredits(reserved)}, for jobs that run`)] : []),
    ...(allowance > 0 ? [row('allowance', `${formatCredits(allowance)}, with the first job`)] : []),
    ...(minimumBalance > 0 ? [row('minimum', `${formatCredits(minimumBalance)} must be left`)] : []),
    ...(team === null ? [] : [row('team', team)]),
  ]);
}

export function earningsText(earnings: Earnings): string {
  const { account, today, sevenDays, perHour, total, models } = earnings;
  const { bold, dim } = paint(process.stdout);
  const text = labelled([
    ['account', account],
    ['today', `${formatCredits(today)} credits`],
    ['7 days', formatCredits(sevenDays)],
    ['per hour', `${formatCredits(perHour)}, over the last 24 hours`],
    [
      'in all',
      `${formatCredits(total.earned)} for ${total.jobs} jobs, ${total.outputTokens} tokens of output`,
    ],
    ['pending', pendingText(earnings)],
  ]);
  if (models.length === 0) return text;
  const [head = '', ...lines] = table(
    [
      { title: '7 DAYS' },
      { title: 'JOBS', right: true },
      { title: 'TOKENS', right: true },
      { title: 'CREDITS', right: true },
    ],
    models.map(({ name, model, jobs, outputTokens, earned }) => [
      name === null ? model.slice(0, 12) : withoutControls(name),
      String(jobs),
      String(outputTokens),
      formatCredits(earned),
    ]),
  );
  return `${text}${dim('')}\n${[bold(head), ...lines].join('\n')}\n`;
}

function pendingText({ pending, unsettled }: Earnings): string {
  const { jobs, earned } = pending;
  if (jobs > 0) return `${formatCredits(earned)} for ${jobs} jobs that wait to be settled`;
  return unsettled === 0 ? 'none' : `none of yours; ${unsettled} results on the grid wait to be settled`;
}

export function policyText({ n, policy }: PolicyReply): string {
  const { allowance, minimumBalance, operatorShare, tiers, rates } = policy;
  const times = (basisPoints: number) => `×${basisPoints / BASIS_POINTS}`;
  return labelled([
    ['allowance', `${formatCredits(allowance)} credits for each new account`],
    ['minimum', `${formatCredits(minimumBalance)} must be left when a job is submitted`],
    ['share', `${operatorShare / 100} % of each job is the operator's`],
    [
      'tiers',
      Object.entries(tiers)
        .map(([tier, each]) => `${tier} ${times(each)}`)
        .join(', '),
    ],
    [
      'rates',
      `${perMillion(rates.input)} a million tokens of prompt, ${perMillion(rates.output)} of output, for a model without a price`,
    ],
    ['since', `entry ${n}`],
  ]);
}

export function teamsText({ own, teams }: TeamsReply): string {
  const { bold, dim } = paint(process.stdout);
  if (teams.length === 0) return `${dim('No teams yet: aipg team join NAME')}\n`;
  const [head = '', ...lines] = table(
    [
      { title: 'TEAM' },
      { title: 'MEMBERS', right: true },
      { title: 'EARNED', right: true },
      { title: 'SPENT', right: true },
      { title: 'SERVED', right: true },
      { title: 'ASKED', right: true },
    ],
    teams.map(({ team, members, earned, spent, jobsServed, jobsAsked }) => [
      team === own ? `${team} *` : team,
      String(members),
      formatCredits(earned),
      formatCredits(spent),
      String(jobsServed),
      String(jobsAsked),
    ]),
  );
  return `${[bold(head), ...lines].join('\n')}\n`;
}

/** An entry in a line. @param account whose side of it is told; the whole movement without it */
export function entryLine(entry: Entry, account?: Account): string {
  const { dim, green, red } = paint(process.stdout);
  const own = entry.postings.filter(
    (posting) => posting.account === account && posting.bucket === 'available',
  );
  const moved = account
    ? own.reduce((sum, { amount }) => sum + amount, 0)
    : entry.postings.reduce((sum, { amount }) => sum + Math.max(0, amount), 0);
  const text = `${moved > 0 && account ? '+' : ''}${formatCredits(microCredits(moved))}`.padStart(14);
  const color = account === undefined || moved === 0 ? dim : moved > 0 ? green : red;
  const time = new Date(entry.at).toISOString().slice(0, 19).replace('T', ' ');
  return `${String(entry.n).padStart(6)}  ${dim(time)}  ${entry.kind.padEnd(9)}  ${color(text)}  ${withoutControls(what(entry))}`;
}

function what(entry: Entry): string {
  switch (entry.kind) {
    case 'issue':
      return [`to ${entry.account}`, entry.memo].filter(Boolean).join(': ');
    case 'transfer':
      return [`${entry.from} to ${entry.to}`, entry.memo].filter(Boolean).join(': ');
    case 'allowance':
      return `to ${entry.account}`;
    case 'reserve':
      return `job ${entry.job}`;
    case 'settle':
      return (
        `job ${entry.job}, ${entry.counts.outputTokens} tokens by ${entry.worker}` +
        `${entry.isOwn ? ', own' : ` for ${formatCredits(microCredits(entry.pay + entry.share))}`}`
      );
    case 'refund':
      return `job ${entry.job}, ${entry.reason}`;
    case 'price':
      return `${entry.name}: ${perMillion(entry.rates.input)} in, ${perMillion(entry.rates.output)} out`;
    case 'root':
      return `${entry.day}: ${entry.count} entries, ${entry.root.slice(0, 16)}…`;
    case 'team':
      return entry.team === null ? 'none' : entry.team;
    case 'policy':
      return '';
  }
}

function perMillion(rate: number): string {
  return formatCredits(microCredits(rate));
}

function row(label: string, text: string): Row {
  return [label, text];
}

function labelled(rows: readonly Row[]): string {
  const { dim } = paint(process.stdout);
  return rows.map(([label, text]) => `${dim(label.padEnd(10))}${text}\n`).join('');
}

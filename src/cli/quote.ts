import process from 'node:process';
import type { Paths } from '../runtime/config/paths.ts';
import type { GridChoice } from '../runtime/config/select-grid.ts';
import { BUNDLED_NAME } from '../runtime/models/reference.ts';
import { BASIS_POINTS, formatCredits, microCredits, type Rates } from '../runtime/protocol/credits.ts';
import type { JobSpec } from '../runtime/protocol/job.ts';
import type { QuoteReply } from '../runtime/protocol/prices.ts';
import { openWithProgress } from './open-with-progress.ts';
import { paint, withoutControls } from './terminal.ts';

export interface QuoteOptions {
  readonly choice: GridChoice;
  readonly paths: Paths;
  /** What `-m` said, for an answer in this process. */
  readonly reference: string | undefined;
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

/**
 * Says what a job would cost and where it would run.
 * @throws AipgError `job-refused` for more than the job may cost; `model-not-found`, `grid-unreachable`
 */
export async function tellQuote(
  job: JobSpec,
  { choice, paths, reference, json, signal }: QuoteOptions,
): Promise<void> {
  if (choice.where === 'local') {
    const model = reference ?? BUNDLED_NAME;
    const text = json
      ? JSON.stringify({ grid: 'local', model, slots: null, cost: null, available: null })
      : `${withoutControls(model)} would answer in this process, and it would cost nothing.`;
    process.stdout.write(`${text}\n`);
    return;
  }
  await using grid = await openWithProgress({ choice, paths, env: process.env, signal });
  const quote = await grid.quote(job, signal);
  if (json) process.stdout.write(`${JSON.stringify(quoteJson(grid.name, quote))}\n`);
  else process.stdout.write(`${quoteLines(grid.name, quote).join('\n')}\n`);
}

/** The documented object of `quote --json`; amounts are whole micro-credits. */
export function quoteJson(grid: string, { model, slots, charge, available }: QuoteReply) {
  return {
    grid,
    model,
    slots,
    cost: charge && {
      most: charge.most,
      tokens: { prompt: charge.counts.inputTokens, output: charge.counts.outputTokens },
      rates: charge.rates,
      multiplier: charge.multiplier / BASIS_POINTS,
      basis: charge.basis,
      price: charge.price,
    },
    available,
  };
}

const BASIS = {
  header: "by the model's header",
  set: 'set by the operator',
  policy: 'for any model without a price of its own',
} as const;

function quoteLines(grid: string, { model, slots, charge, available }: QuoteReply): string[] {
  const { bold, dim } = paint(process.stdout);
  const served = slots === 1 ? '1 slot' : `${slots} slots`;
  const rows: [string, string][] = [
    ['model', `${withoutControls(model)} on ${withoutControls(grid)}, ${served}`],
  ];
  if (charge === null) rows.push(['cost', 'nothing: this grid has no credits']);
  else {
    const { most, rates, multiplier, basis, counts } = charge;
    rows.push(
      ['cost', bold(`at most ${formatCredits(most)} credits`)],
      ['tokens', `at most ${counts.inputTokens} of prompt, ${counts.outputTokens} of output`],
      ['price', `${describeRates(rates, multiplier)}, ${BASIS[basis]}`],
    );
    if (available !== null) rows.push(['available', `${formatCredits(available)} credits`]);
  }
  return rows.map(([label, text]) => `${dim(label.padEnd(10))}${text}`);
}

/** `0.1 per million tokens of prompt, 0.4 of output`. @param multiplier of the tier, in basis points */
export function describeRates({ input, output }: Rates, multiplier: number = BASIS_POINTS): string {
  const rate = (each: number) => formatCredits(microCredits(Math.ceil((each * multiplier) / BASIS_POINTS)));
  return `${rate(input)} per million tokens of prompt, ${rate(output)} of output`;
}

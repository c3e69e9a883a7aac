import process from 'node:process';
import { readHeaders } from '../runtime/models/facts-cache.ts';
import { locateModel } from '../runtime/models/locate.ts';
import type { LocatedModel } from '../runtime/models/located.ts';
import { locatedFile } from '../runtime/models/located-file.ts';
import type { ResolveOptions } from '../runtime/models/resolve.ts';
import { ratesOf } from '../runtime/pricing/rates.ts';
import { tokenWork } from '../runtime/pricing/token-work.ts';
import { formatCredits, microCredits, type Rates } from '../runtime/protocol/credits.ts';
import { AipgError } from '../runtime/protocol/errors.ts';
import { modelNameSchema } from '../runtime/protocol/model.ts';
import type { Price } from '../runtime/protocol/prices.ts';
import { oneLine, table } from './model-output.ts';
import { openBusGrid } from './open-bus-grid.ts';
import { describeRates } from './quote.ts';
import { paint } from './terminal.ts';

interface FileOptions {
  readonly machine: ResolveOptions;
  readonly json?: boolean | undefined;
}

interface GridOptions {
  readonly grid?: string | undefined;
  readonly signal: AbortSignal;
  readonly json?: boolean | undefined;
}

/** What a model of this machine would cost by its header. @throws AipgError `model-not-found`, `model-invalid` */
export async function tellFilePrice(text: string, { machine, json }: FileOptions): Promise<void> {
  const model = await locateModel(text, machine);
  const work = tokenWork(model.path, await readHeaders(model.parts.map(({ path }) => path)));
  const rates = ratesOf(work);
  if (json) {
    const { name, path } = model;
    process.stdout.write(`${JSON.stringify({ name, path, work, rates, basis: 'header' })}\n`);
    return;
  }
  const { bold, dim } = paint(process.stdout);
  process.stdout.write(
    [
      bold(oneLine(model.name)),
      `  ${dim('price')}  ${describeRates(rates)}`,
      `  ${dim('work')}   ${work.input} bytes a token of prompt, ${work.output} of output\n`,
    ].join('\n'),
  );
}

/** The rate card of a grid. @param model a part of the names to tell */
export async function tellRateCard({
  grid: asked,
  model,
  json,
  signal,
}: GridOptions & { readonly model: string | undefined }): Promise<void> {
  await using grid = await openBusGrid(asked, signal);
  const { prices: all, otherwise } = await grid.prices();
  const wanted = model?.toLowerCase() ?? '';
  const prices = all.filter(({ name }) => name.toLowerCase().includes(wanted));
  if (json) {
    process.stdout.write(`${JSON.stringify({ grid: grid.name, prices, otherwise })}\n`);
    return;
  }
  if (otherwise === null) {
    process.stdout.write('This grid has no credits: nothing costs anything.\n');
    return;
  }
  const rows = [...prices.map(row), ['any other model', ...ratesCells(otherwise), 'policy', '']];
  const [head = '', ...lines] = table(
    [
      { title: 'MODEL' },
      { title: 'PROMPT', right: true },
      { title: 'OUTPUT', right: true },
      { title: 'BASIS' },
      { title: 'SHA256' },
    ],
    rows,
  );
  const { bold, dim } = paint(process.stdout);
  process.stdout.write(`${[bold(head), ...lines, dim('Credits per million tokens.')].join('\n')}\n`);
}

/** Sets the price of a model, as an operator. @throws AipgError `not-permitted`, `model-not-found` */
export async function setPrice(
  text: string,
  rates: Rates,
  { machine, grid: asked, signal, json }: GridOptions & FileOptions,
): Promise<void> {
  // A file of this machine says which it is; else the grid knows it by its name.
  const local = await locateModel(text, machine).catch(unlessMissing);
  const file = local && (await locatedFile(local, machine));
  const name = modelNameSchema.safeParse(file?.name ?? text);
  if (!name.success) throw new AipgError('usage', `${JSON.stringify(text)} is no name of a model.`);
  await using grid = await openBusGrid(asked, signal);
  const price = await grid.setPrice({ name: name.data, rates, ...(file && { model: file.sha256 }) });
  if (json) process.stdout.write(`${JSON.stringify(price)}\n`);
  else
    process.stdout.write(
      `${oneLine(price.name)}: ${describeRates(price.rates)}, from entry ${price.price} on\n`,
    );
}

function unlessMissing(error: unknown): LocatedModel | undefined {
  if (error instanceof AipgError && error.code === 'model-not-found') return undefined;
  throw error;
}

function row({ name, rates, basis, model }: Price): string[] {
  return [oneLine(name), ...ratesCells(rates), basis, model.slice(0, 12)];
}

function ratesCells({ input, output }: Rates): [string, string] {
  return [formatCredits(microCredits(input)), formatCredits(microCredits(output))];
}

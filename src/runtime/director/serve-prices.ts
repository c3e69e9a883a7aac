import type { Roster } from '../bus/roster.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerView } from '../ledger/state.ts';
import type { RateCard } from '../ledger/tables.ts';
import { microCredits } from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account } from '../protocol/ids.ts';
import type { JobSpec } from '../protocol/job.ts';
import type { KeyLimits } from '../protocol/key-limits.ts';
import type { ModelName, Sha256 } from '../protocol/model.ts';
import {
  type Price,
  type PricesReply,
  pricesRequestSchema,
  type QuoteReply,
  quoteRequestSchema,
  type SetPriceRequest,
  setPriceRequestSchema,
} from '../protocol/prices.ts';
import { requireWithin } from './charges.ts';
import type { Credits } from './credits.ts';
import type { Endpoints } from './endpoints.ts';
import type { CreditsNow } from './serve-credits.ts';
import { type Admission, modelFor } from './submit.ts';
import { mostTokens } from './token-counter.ts';

/** Most lines of a rate card that are told. */
const MOST_TOLD = 1_000;

/** What accounts ask of prices, and what operators decide of them. */
export function servePrices(endpoints: Endpoints, admission: Admission, credits: CreditsNow): void {
  endpoints.ofAccount('quote', quoteRequestSchema, (account, { job }, { limits }) =>
    quote(admission, credits(), account, job, limits),
  );
  endpoints.ofAccount('prices', pricesRequestSchema, async () => {
    await admission.priced();
    return rateCardOf(credits()?.ledger.state);
  });
  endpoints.ofOperator('price', setPriceRequestSchema, async (asked) => {
    const { ledger } = credits() ?? {};
    if (ledger) return setPrice(ledger, admission.roster, asked);
    throw new AipgError('job-refused', 'This grid has no credits, so nothing has a price.', {
      hint: 'Turn them on with: aipg up --credits',
    });
  });
}

/** What would become of a job that were submitted now. @throws AipgError `model-not-found`, `job-refused` */
async function quote(
  admission: Admission,
  credits: Credits | undefined,
  account: Account,
  job: JobSpec,
  limits: KeyLimits | undefined,
): Promise<QuoteReply> {
  const model = await modelFor(admission, { job, wait: false }, limits);
  await admission.priced();
  const slots = admission.roster.models().get(model) ?? 0;
  if (!credits) return { model, slots, charge: null, available: null };
  const { state } = credits.ledger;
  const { card, most } = credits.charges.quote(model, job.input, job.tier);
  requireWithin(job.limits.maxCost, most);
  const { policy } = state.policy;
  const allowance = state.hadAllowance(account) ? 0 : policy.allowance;
  return {
    model,
    slots,
    charge: {
      price: card.n,
      rates: card.rates,
      multiplier: policy.tiers[job.tier],
      most,
      basis: card.basis,
      counts: mostTokens(job.input),
    },
    available: microCredits(Math.max(0, state.balance(account).available) + allowance),
  };
}

function rateCardOf(state: LedgerView | undefined): PricesReply {
  if (!state) return { prices: [], otherwise: null };
  const prices = [...state.cards()]
    .flatMap(([model, card]) => priceOf(model, card) ?? [])
    .sort((a, b) => a.name.localeCompare(b.name) || b.price - a.price);
  return { prices: prices.slice(0, MOST_TOLD), otherwise: state.policy.policy.rates };
}

function priceOf(model: Sha256, { n: price, name, rates, basis }: RateCard): Price | undefined {
  return name === undefined ? undefined : { price, model, name, rates, basis };
}

/** @throws AipgError `model-not-found` for a name that means no file, or several */
async function setPrice(
  ledger: Pick<Ledger, 'state' | 'append'>,
  roster: Roster,
  { name, model: given, rates }: SetPriceRequest,
): Promise<Price> {
  const model = given ?? fileOf(ledger.state, roster, name);
  await ledger.append(() => [{ kind: 'price', model, name, rates, basis: 'set' }]);
  const price = priceOf(model, ledger.state.cardFor(model));
  if (price) return price;
  throw new AipgError('internal', `The ledger has no price of ${name}.`);
}

/** The file that a name means: that of its price, else the one that all workers serve under it. */
function fileOf(state: LedgerView, roster: Roster, name: ModelName): Sha256 {
  let newest: { readonly model: Sha256; readonly n: number } | undefined;
  for (const [model, card] of state.cards()) {
    if (card.name === name && card.n > (newest?.n ?? 0)) newest = { model, n: card.n };
  }
  if (newest) return newest.model;
  const served = new Set(
    roster.workers().flatMap(({ models }) => models.flatMap((m) => (m.name === name ? [m.sha256] : []))),
  );
  const [only] = served;
  if (only !== undefined && served.size === 1) return only;
  throw new AipgError(
    'model-not-found',
    served.size === 0
      ? `Nobody serves ${name}, and it has no price yet.`
      : `Workers serve ${served.size} different files as ${name}: ${[...served].join(', ')}.`,
    { hint: 'Give the file by its path on this machine, or by its sha256.' },
  );
}

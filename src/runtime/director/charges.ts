import { allowanceDrafts } from '../ledger/drafts.ts';
import type { EntryDraft } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerView } from '../ledger/state.ts';
import type { RateCard } from '../ledger/tables.ts';
import type { Charge } from '../protocol/charge.ts';
import {
  BASIS_POINTS,
  costOf,
  formatCredits,
  type MicroCredits,
  microCredits,
  NO_CREDITS,
  type Rates,
} from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';
import type { Account, JobId } from '../protocol/ids.ts';
import type { SubmittedJob, Tier } from '../protocol/job.ts';
import type { ModelName } from '../protocol/model.ts';
import type { JobInput } from '../protocol/sealed.ts';
import type { PriceSource } from './price-source.ts';
import type { RecentInputs } from './recent-inputs.ts';
import { mostTokens } from './token-counter.ts';

/** What holds for a job's credits from its acceptance on. */
export interface Terms {
  readonly card: RateCard;
  /** The most that the job can cost, which is held while it runs. */
  readonly most: MicroCredits;
}

export type Charged =
  /** Credits are held; `price` is the entry that set the rates. Not covered: nobody but its account's own can do it. */
  | { readonly outcome: 'reserved'; readonly price: number; readonly isCovered: boolean }
  /** The job was accepted before and has been settled or refunded by now. */
  | { readonly outcome: 'ended' };

/** Credits that are being held for a job. */
export interface Holding {
  /**
   * What will be, before the ledger has answered: known as soon as it is on its way there, while no other director
   * appends; else with `held`.
   */
  readonly expected: Promise<Charged>;
  /** What is. */
  readonly held: Promise<Charged>;
}

/** Holds the credits of jobs while they are queued. */
export class Charges {
  readonly #ledger: Ledger;
  readonly #prices: PriceSource;
  readonly #inputs: RecentInputs;

  constructor(ledger: Ledger, prices: PriceSource, inputs: RecentInputs) {
    this.#ledger = ledger;
    this.#prices = prices;
    this.#inputs = inputs;
  }

  /** What a job would be accepted at now. */
  quote(model: ModelName, input: JobInput, tier: Tier): Terms {
    return termsOf(this.#ledger.state, this.#prices, model, input, tier);
  }

  /**
   * Holds the most that a job can cost, once, however often it is submitted; a new account has its allowance first.
   * @param isOwn its account's own workers, which cost nothing, serve it: one that cannot pay for others is let in
   * @throws AipgError both reject with `insufficient-credits`, `job-refused` for more than the asker will pay, or the id
   * of another account's job
   */
  reserve(account: Account, job: ChargedJob, model: ModelName, isOwn = false): Holding {
    const sent = Promise.withResolvers<Charged>();
    const held = this.#reserve(account, job, model, isOwn, sent.resolve);
    return { expected: Promise.race([sent.promise, held]), held };
  }

  async #reserve(
    account: Account,
    { id, input, tier, limits }: ChargedJob,
    model: ModelName,
    isOwn: boolean,
    onSent: (charged: Charged) => void,
  ): Promise<Charged> {
    let terms: Terms | undefined;
    /** @param amount instead of the most that the job can cost */
    const hold = (amount?: MicroCredits) =>
      this.#ledger.append(
        (state) => {
          if (state.isUsed(id)) return undefined;
          terms = termsOf(state, this.#prices, model, input, tier);
          requireWithin(limits.maxCost, terms.most);
          return reservationDrafts(state, account, id, tier, {
            card: terms.card,
            most: amount ?? terms.most,
          });
        },
        () => {
          // Its result may be here before the ledger's answer.
          this.#inputs.add(id, input);
          if (terms) onSent({ outcome: 'reserved', price: terms.card.n, isCovered: amount === undefined });
        },
      );
    let added: unknown;
    try {
      added = await hold();
    } catch (error) {
      if (!(error instanceof AipgError && error.code === 'insufficient-credits') || !terms) throw error;
      if (!isOwn) throw insufficient(this.#ledger.state, account, tier, input, terms);
      added = await hold(NO_CREDITS);
    }
    // Submitted again, it may ask for something else: what was asked first is what is done.
    if (added !== undefined) this.#inputs.add(id, input);
    return this.#charged(account, id, input);
  }

  /** What holds for a job that runs; `undefined` once it is settled. */
  chargeOf(job: JobId): Charge | undefined {
    const reservation = this.#ledger.state.reservation(job);
    if (reservation === undefined) return undefined;
    const { price, rates, multiplier, amount } = reservation;
    return { price, rates, multiplier, most: amount };
  }

  #charged(account: Account, job: JobId, input: JobInput): Charged {
    const reservation = this.#ledger.state.reservation(job);
    if (reservation === undefined) return { outcome: 'ended' };
    if (reservation.account === account) {
      const { price, amount, rates, multiplier } = reservation;
      return {
        outcome: 'reserved',
        price,
        isCovered: amount > 0 || costOf(mostTokens(input), rates, multiplier) === 0,
      };
    }
    throw new AipgError('job-refused', `The id ${job} is that of another job.`, {
      hint: 'Submit it again with a new id.',
    });
  }
}

type ChargedJob = Pick<SubmittedJob, 'id' | 'input' | 'tier' | 'limits'>;

function termsOf(
  state: LedgerView,
  prices: PriceSource,
  model: ModelName,
  input: JobInput,
  tier: Tier,
): Terms {
  const card = prices.cardFor(state, model);
  return { card, most: costOf(mostTokens(input), card.rates, state.policy.policy.tiers[tier]) };
}

/** @throws AipgError `job-refused` for a job that may cost more than its asker will pay */
export function requireWithin(maxCost: number | undefined, most: MicroCredits): void {
  if (maxCost === undefined || most <= maxCost) return;
  throw new AipgError(
    'job-refused',
    `This job may cost up to ${formatCredits(most)} credits, more than the ${formatCredits(microCredits(maxCost))} that it may.`,
    { hint: 'Raise --max-price, or ask for fewer tokens with --max-tokens.' },
  );
}

function reservationDrafts(
  state: LedgerView,
  account: Account,
  job: JobId,
  tier: Tier,
  { card, most }: Terms,
): EntryDraft[] {
  return [
    ...allowanceDrafts(state, account),
    { kind: 'reserve', job, account, amount: most, tier, price: card.n },
  ];
}

function insufficient(
  state: LedgerView,
  account: Account,
  tier: Tier,
  input: JobInput,
  { card, most }: Terms,
): AipgError {
  const { policy } = state.policy;
  const { available } = state.balance(account);
  // A first job brings the allowance with it.
  const balance = (available + (state.hadAllowance(account) ? 0 : policy.allowance)) as MicroCredits;
  const left = policy.minimumBalance;
  return new AipgError(
    'insufficient-credits',
    `This job may cost up to ${formatCredits(most)} credits, and this account has ${formatCredits(balance)}` +
      `${left > 0 ? `, of which ${formatCredits(left)} must be left` : ''}.`,
    {
      hint:
        `${describePrice(card.rates, policy.tiers[tier])}; ask for fewer than ${input.maxTokens} tokens with --max-tokens, ` +
        'earn credits with `aipg worker`, or ask the operator for some.',
    },
  );
}

function describePrice({ input, output }: Rates, multiplier: number): string {
  const rate = (rate: number) => formatCredits(Math.ceil((rate * multiplier) / BASIS_POINTS) as MicroCredits);
  return `A million tokens cost ${rate(input)} credits of prompt and ${rate(output)} of output`;
}

import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../bus/connect.ts';
import { needsDirector, requireRole } from '../bus/identity.ts';
import { readMessages } from '../bus/read-messages.ts';
import type { BusChoice } from '../config/select-grid.ts';
import type { Entry } from '../ledger/entry.ts';
import { readMessage } from '../ledger/message.ts';
import type { Proof } from '../ledger/proof.ts';
import {
  type AccountBalance,
  balanceSchema,
  type Earnings,
  earningsSchema,
  ledgerReplySchema,
  movedReplySchema,
  type PolicyChange,
  type PolicyReply,
  policyReplySchema,
  proveReplySchema,
  type RootsReply,
  rootsReplySchema,
  type TeamsReply,
  teamReplySchema,
  teamsReplySchema,
} from '../ledger/requests.ts';
import { LedgerState } from '../ledger/state.ts';
import type { MicroCredits } from '../protocol/credits.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Account, newJobId, type Team } from '../protocol/ids.ts';
import { STREAMS, subjects } from '../protocol/subjects.ts';
import { ask, askAsOperator, type GridAddress } from './ask.ts';

/** An amount that goes to an account. */
export interface Movement {
  readonly account: Account;
  readonly amount: MicroCredits;
  /** What it is for. */
  readonly memo?: string | undefined;
  /** Whether the account need not have been on the grid yet. */
  readonly mayBeNew?: boolean | undefined;
}

/** What an account has after it was moved. */
export type Moved = Pick<AccountBalance, 'account' | 'available'>;

/** The credits of an account on a grid, and for who may see it, the whole ledger. */
export class GridCredits implements AsyncDisposable {
  readonly #grid: GridAddress;

  private constructor(grid: GridAddress) {
    this.#grid = grid;
  }

  /** @throws AipgError `grid-unreachable`, `not-permitted` */
  static async open(choice: BusChoice): Promise<GridCredits> {
    const connection: NatsConnection = await connectBus({ ...choice, name: 'aipg credits' });
    try {
      requireRole(connection, 'user', 'worker', 'operator', 'director');
    } catch (error) {
      await connection.close();
      throw error;
    }
    return new GridCredits({ name: choice.name, connection, account: choice.account });
  }

  get name(): string {
    return this.#grid.name;
  }

  balance(): Promise<AccountBalance> {
    return ask(this.#grid, 'balance', {}, balanceSchema);
  }

  earnings(): Promise<Earnings> {
    return ask(this.#grid, 'earnings', {}, earningsSchema);
  }

  /** The account's own entries, the newest first. @param before only those with smaller numbers */
  async entries(limit: number, before?: number): Promise<readonly Entry[]> {
    const { entries } = await ask(this.#grid, 'ledger', { limit, before }, ledgerReplySchema);
    return entries;
  }

  /** @throws AipgError `insufficient-credits`; `ledger-refused` for an account that was never on the grid */
  transfer({ account, ...rest }: Movement): Promise<Moved> {
    return ask(this.#grid, 'transfer', { id: newJobId(), to: account, ...rest }, movedReplySchema);
  }

  /** @throws AipgError `not-permitted` for who is no operator; `ledger-refused` for an account that was never on the grid */
  issue(movement: Movement): Promise<Moved> {
    return askAsOperator(this.#grid, 'issue', { id: newJobId(), ...movement }, movedReplySchema);
  }

  policy(): Promise<PolicyReply> {
    return ask(this.#grid, 'policy', {}, policyReplySchema);
  }

  /** @throws AipgError `not-permitted` for who is no operator */
  changePolicy(change: PolicyChange): Promise<PolicyReply> {
    return askAsOperator(this.#grid, 'policy', { change }, policyReplySchema);
  }

  /** `proof` is null while the day of the entry has no root. @param entry its number, its job, or its receipt's sha256 */
  prove(entry: string | number): Promise<{ readonly day: string; readonly proof: Proof | null }> {
    return ask(this.#grid, 'prove', { entry }, proveReplySchema);
  }

  roots(limit: number): Promise<RootsReply> {
    return ask(this.#grid, 'roots', { limit }, rootsReplySchema);
  }

  teams(): Promise<TeamsReply> {
    return ask(this.#grid, 'teams', {}, teamsReplySchema);
  }

  /** @param team `null` for none */
  async joinTeam(team: Team | null): Promise<void> {
    await ask(this.#grid, 'team', { team }, teamReplySchema);
  }

  /**
   * All entries of the ledger, the first first, as far as they follow its rules: no other is one.
   * @throws AipgError `not-permitted` for who may not read the bus; `protocol-mismatch`
   */
  async *all(): AsyncGenerator<readonly Entry[]> {
    const { connection, name } = this.#grid;
    if (needsDirector(connection)) {
      throw new AipgError('not-permitted', `The whole ledger of ${name} is its operator’s to read.`, {
        hint: "See your own account's entries with `aipg ledger log`, and prove one with `aipg ledger prove`.",
      });
    }
    const state = LedgerState.empty();
    for await (const { data } of readMessages(connection, STREAMS.ledger, { subject: subjects.ledger })) {
      const read = readMessage(state, data);
      if ('entries' in read) {
        state.merge(read.fork);
        yield read.entries;
      } else if (read.isNewer) throw read.error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#grid.connection.close();
  }
}

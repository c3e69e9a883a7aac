import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { type Asker, mayUse } from '../protocol/key-limits.ts';
import type { ModelName } from '../protocol/model.ts';
import { askerOf, inboxPrefix, type Member } from '../protocol/permissions.ts';

const members = new WeakMap<NatsConnection, Credentials>();

export function setMember(connection: NatsConnection, member: Credentials): void {
  members.set(connection, member);
}

/** Whose key a connection was made with; `undefined` on a bus that asks for none. */
export function memberOf(connection: NatsConnection): Member | undefined {
  return members.get(connection);
}

/** The same with its secret: for who signs in the member's name. */
export function credentialsOf(connection: NatsConnection): Credentials | undefined {
  return members.get(connection);
}

/**
 * Whether requests to JetStream are a director's to make: a member with another role has no right to.
 * @see RIGHTS
 */
export function needsDirector(connection: NatsConnection): boolean {
  const role = memberOf(connection)?.role;
  return role !== undefined && role !== 'director' && role !== 'operator';
}

/** As whom a connection asks directors. @param id of an account or worker, on a bus that asks for no key */
export function askerFor<Id extends string>(connection: NatsConnection, id: Id): Id | Asker {
  const member = memberOf(connection);
  const asker = member?.limits && askerOf(member);
  // What a worker may ask in its owner's name has no limits.
  return asker?.id === id ? asker : id;
}

/** @throws AipgError `not-permitted` when the connection's key is for other models */
export function requireModel(connection: NatsConnection, model: ModelName): void {
  const limits = memberOf(connection)?.limits;
  if (!mayUse(limits, model)) throw notForModel(model, limits?.models ?? []);
}

export function notForModel(model: ModelName, models: readonly ModelName[]): AipgError {
  return new AipgError('not-permitted', `This key is not for ${model}, only for ${models.join(', ')}.`, {
    hint: "Ask the grid's operator for an invitation to more models.",
  });
}

/** A subject for answers, under the prefix that is the member's own. */
export function newInbox(connection: NatsConnection): string {
  const member = memberOf(connection);
  return member ? createInbox(inboxPrefix(member.key)) : createInbox();
}

/** @throws AipgError `not-permitted` when the role of the connection's key is none of these */
export function requireRole(connection: NatsConnection, ...roles: readonly Member['role'][]): void {
  const role = memberOf(connection)?.role;
  if (role === undefined || roles.includes(role)) return;
  throw new AipgError(
    'not-permitted',
    `This grid knows you by the key of a ${role}, which may not do this.`,
    {
      hint: `Ask its operator for an invitation: aipg grid invite --role ${roles[0]}`,
    },
  );
}

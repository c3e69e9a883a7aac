import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import type { Credentials } from '../protocol/credentials.ts';
import { AipgError } from '../protocol/errors.ts';
import { inboxPrefix, type Member } from '../protocol/permissions.ts';

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

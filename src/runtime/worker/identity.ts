import type { NatsConnection } from '@nats-io/transport-node';
import { credentialsOf } from '../bus/identity.ts';
import { type Account, LOCAL_ACCOUNT, type WorkerId, workerIdOf } from '../protocol/ids.ts';
import { newUserSeed, type ReceiptSigner, receiptSigner } from '../protocol/receipt-signature.ts';

/** Who a worker is: what it ends carries a receipt with its signature. */
export interface WorkerIdentity {
  readonly id: WorkerId;
  /** Whom its work is paid to. */
  readonly payTo: Account;
  readonly signer: ReceiptSigner;
}

/**
 * By the key that the connection was made with; where the bus asks for none, by a new one that is forgotten with the
 * process.
 * @param name a part of the id, which a key of its own fixes
 */
export function identityOf(connection: NatsConnection, name: string): WorkerIdentity {
  const credentials = credentialsOf(connection);
  const signer = receiptSigner(credentials?.seed() ?? newUserSeed());
  return {
    id: credentials?.worker ?? workerIdOf(name, signer.key),
    payTo: credentials?.account ?? LOCAL_ACCOUNT,
    signer,
  };
}

import { type Account, type JobId, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { type Sha256, sha256Schema } from '../../../src/runtime/protocol/model.ts';
import type { Receipt } from '../../../src/runtime/protocol/receipt.ts';
import { newUserSeed, receiptSigner } from '../../../src/runtime/protocol/receipt-signature.ts';

export type { Receipt };

const signer = receiptSigner(newUserSeed());
const SHA = sha256Schema.parse('cd'.repeat(32));

/** What a worker of erin's signs. */
export function workerReceipt(said: { job: JobId; payTo: Account; modelSha256: Sha256 }): Receipt {
  return signer.sign({
    ...said,
    attempt: 1,
    worker: workerIdOf('box', signer.key),
    inputSha256: SHA,
    outputSha256: SHA,
    counts: { inputTokens: 10, outputTokens: 20 },
    startedAt: 1_000,
    endedAt: 2_000,
  });
}

import { beforeEach, describe, expect, test } from 'vitest';
import { accountSchema, newJobId, newTicket, workerIdOf } from '../../../src/runtime/protocol/ids.ts';
import { jobSchema } from '../../../src/runtime/protocol/job.ts';
import { PROTOCOL_VERSION } from '../../../src/runtime/protocol/limits.ts';
import { sha256Schema } from '../../../src/runtime/protocol/model.ts';
import { newUserSeed, receiptSigner } from '../../../src/runtime/protocol/receipt-signature.ts';
import { deriveSeed } from '../../../src/runtime/protocol/text.ts';
import type { WorkerLink } from '../../../src/runtime/worker/link.ts';
import { AttemptPart } from '../../../src/runtime/worker/part.ts';
import { connectedBus } from '../../support/connected-bus.ts';
import { recordingLog } from '../../support/grid.ts';

const { connection } = await connectedBus();
const signer = receiptSigner(newUserSeed());
const account = accountSchema.parse('alice');
const job = jobSchema.parse({
  ...{ id: newJobId(), protocol: PROTOCOL_VERSION, account, model: 'm', acceptedAt: 10 },
  input: { prompt: { form: 'raw', text: '?' }, seed: deriveSeed('7') },
  limits: {},
});

let hurry: AbortController;
let logged: ReturnType<typeof recordingLog>;
beforeEach(() => {
  hurry = new AbortController();
  logged = recordingLog();
});

/** Offers a part to directors that do this. */
function offerTo(part: WorkerLink['part']): Promise<void> {
  const offered = new AttemptPart({
    ...{ connection, log: logged.log, job, hurry: hurry.signal },
    link: { part } as WorkerLink,
    identity: { id: workerIdOf('box', signer.key), payTo: account, signer },
    modelSha256: sha256Schema.parse('ab'.repeat(32)),
    output: { sent: { text: 'a', tokens: [1] }, promptTokens: 1 },
  });
  offered.isDue = true;
  return offered.offer(1, { ticket: newTicket(), sequence: 1 });
}

describe('what a worker has streamed of a job that was ended', () => {
  test('is offered although the worker has no more time', async () => {
    hurry.abort();
    let tries = 0;
    await offerTo(async () => {
      tries += 1;
      if (tries < 3) throw new Error('No director is there.');
      return true;
    });
    expect(tries).toBe(3);
    expect(logged.lines).toEqual([]);
  });

  test('is offered on when the worker has no more time all at once', async () => {
    let tries = 0;
    await offerTo(async () => {
      tries += 1;
      if (tries === 1) hurry.abort();
      if (tries < 3) throw new Error('No director is there.');
      return true;
    });
    expect(tries).toBe(3);
    expect(logged.lines).toEqual([]);
  });

  test('keeps a worker that has no more time no longer than a second, which is logged', async () => {
    const asked = Promise.withResolvers<void>();
    const offer = offerTo(() => {
      asked.resolve();
      return new Promise(() => undefined);
    });
    await asked.promise;
    hurry.abort();
    await offer;
    expect(logged.lines).toMatchObject([{ level: 'warn', fields: { reason: /1000 ms/ } }]);
  });
});

import { argv } from 'node:process';
import { connectBus } from '../../src/runtime/bus/connect.ts';
import { openWorkersBucket, provision, provisionQueues } from '../../src/runtime/bus/provision.ts';
import { encode } from '../../src/runtime/protocol/codec.ts';
import type { JobEvent } from '../../src/runtime/protocol/events.ts';
import {
  type JobId,
  LOCAL_ACCOUNT,
  newJobId,
  type WorkerId,
  workerIdSchema,
} from '../../src/runtime/protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../src/runtime/protocol/limits.ts';
import { type ModelName, modelNameSchema, sha256Schema } from '../../src/runtime/protocol/model.ts';
import { BUCKETS, consumerName, STREAMS, subjects } from '../../src/runtime/protocol/subjects.ts';
import type { Heartbeat } from '../../src/runtime/protocol/worker.ts';
import { playRole } from '../support/role.ts';

const [, , url = '', workerCount = '2000', jobsPerSecond = '100'] = argv;

const BEAT_MS = 5_000;
const TICK_MS = 50;
const MODELS = 12;
/** From a job's lease to its end, in ticks, and the chunks between. */
const JOB_TICKS = 20;
const CHUNK_TOKENS = 20;
const SLOTS = 4;
const SHA256 = sha256Schema.parse('a'.repeat(64));

interface SimulatedWorker {
  readonly id: WorkerId;
  readonly model: ModelName;
  busy: number;
  done: number;
}
interface SimulatedJob {
  readonly id: JobId;
  readonly worker: SimulatedWorker;
  readonly lease: string;
  tick: number;
}

/** What a large grid says on its bus, said by one process: the monitor cannot tell the difference. */
await playRole(async () => {
  const connection = await connectBus({ url, name: 'bench grid' });
  const manager = await provision(connection);
  await openWorkersBucket(connection);
  const models = Array.from({ length: MODELS }, (_, n) =>
    modelNameSchema.parse(`org-${n}/model-${n}b:Q4_K_M`),
  );
  for (const model of models) await provisionQueues(manager, 'text', model);
  const workers = Array.from(
    { length: Number(workerCount) },
    (_, n): SimulatedWorker => ({
      id: workerIdSchema.parse(`machine-${String(n).padStart(4, '0')}-abcdefg`),
      model: models[n % MODELS] as ModelName,
      busy: 0,
      done: 0,
    }),
  );
  // Some jobs that wait, so that there are queues to look at.
  for (const [n, model] of models.entries()) {
    for (let job = 0; job < n; job++) {
      connection.publish(
        subjects.job('text', 'bulk', 'fresh', model, LOCAL_ACCOUNT),
        encode({ id: newJobId() }),
      );
    }
  }

  const startedAt = Date.now();
  const beat = (worker: SimulatedWorker) =>
    connection.publish(`$KV.${BUCKETS.workers}.${worker.id}`, encode(heartbeatOf(worker, startedAt)));
  const tell = (job: SimulatedJob, event: JobEvent) =>
    connection.publish(subjects.event(LOCAL_ACCOUNT, job.id), encode(event));
  const running = new Set<SimulatedJob>();
  let sent = 0;
  const accept = () => {
    const worker = workers[(617 * sent) % workers.length] as SimulatedWorker;
    const lease = `$JS.ACK.${STREAMS.jobs}.${consumerName('text', 'standard', 'fresh', worker.model)}.1.${sent + 1}.1.1.0`;
    const job = { id: newJobId(), worker, lease, tick: 0 };
    running.add(job);
    worker.busy = Math.min(SLOTS, worker.busy + 1);
    tell(job, { type: 'accepted', model: worker.model });
    tell(job, { type: 'leased', attempt: 1, worker: worker.id, lease });
  };
  const goOn = (job: SimulatedJob) => {
    job.tick += 1;
    if (job.tick === 2 || job.tick === JOB_TICKS / 2) {
      const tokenOffset = job.tick === 2 ? 0 : CHUNK_TOKENS;
      const text = 'word '.repeat(CHUNK_TOKENS);
      const tokens = Array.from({ length: CHUNK_TOKENS }, (_, n) => 100 + n);
      tell(job, { type: 'chunk', attempt: 1, tokenOffset, textOffset: 5 * tokenOffset, text, tokens });
    }
    if (job.tick < JOB_TICKS) return;
    running.delete(job);
    job.worker.busy = Math.max(0, job.worker.busy - 1);
    job.worker.done += 1;
    tell(job, doneOf(job));
  };

  let ticks = 0;
  const timer = setInterval(() => {
    // By the clock, so that a late timer makes no lighter load.
    const due = Math.floor((Date.now() - startedAt) / TICK_MS);
    for (; ticks < due; ticks++) {
      const upTo = (tick: number, perSecond: number) => Math.floor((tick * TICK_MS * perSecond) / 1_000);
      const beats = (1_000 * workers.length) / BEAT_MS;
      for (let n = upTo(ticks, beats); n < upTo(ticks + 1, beats); n++) {
        beat(workers[n % workers.length] as SimulatedWorker);
      }
      for (const job of running) goOn(job);
      for (let n = upTo(ticks, Number(jobsPerSecond)); n < upTo(ticks + 1, Number(jobsPerSecond)); n++) {
        accept();
        sent += 1;
      }
    }
  }, TICK_MS);
  for (const worker of workers) beat(worker);
  await connection.flush();
  return {
    /** Messages that were sent so far. */
    handle: async () => ({ messages: connection.stats().outMsgs }),
    stop: async () => {
      clearInterval(timer);
      await connection.close();
    },
  };
});

function heartbeatOf({ id, model, busy, done }: SimulatedWorker, startedAt: number): Heartbeat {
  return {
    protocol: PROTOCOL_VERSION,
    worker: id,
    version: '0.1.0',
    state: 'serving',
    models: [
      {
        name: model,
        sha256: SHA256,
        architecture: 'llama',
        parameters: 7_000_000_000,
        trainContextSize: 8_192,
        contextSize: 8_192,
        fileBytes: 4_000_000_000,
      },
    ],
    slots: { total: SLOTS, busy },
    jobs: { done, failed: 0 },
    startedAt,
  };
}

function doneOf({ worker }: SimulatedJob): JobEvent {
  return {
    type: 'done',
    attempt: 1,
    outcome: {
      model: worker.model,
      modelSha256: SHA256,
      finishReason: 'stop',
      promptTokens: 12,
      outputTokens: 2 * CHUNK_TOKENS,
      textLength: 10 * CHUNK_TOKENS,
      sampler: 'gumbel-1',
      worker: worker.id,
      timings: { firstTokenMs: 100, totalMs: 1_000 },
    },
  };
}

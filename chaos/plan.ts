import { newJobId } from '../src/runtime/protocol/ids.ts';
import { type JobSpec, jobSpecSchema, tierSchema } from '../src/runtime/protocol/job.ts';
import { deriveSeed } from '../src/runtime/protocol/text.ts';
import { Random } from './random.ts';

/** How many processes of each part run. */
export const PROCESSES = { worker: 3, director: 2, client: 2 } as const;
export type Role = keyof typeof PROCESSES;

const CHARACTERS = ['fox', 'girl', 'boy', 'bird', 'king', 'dog', 'cat', 'bear', 'frog', 'little boat'];
const THINGS = [
  'lost a ball',
  'found a box',
  'went to the sea',
  'was afraid',
  'made a friend',
  'could not sleep',
];
/** Different questions in one run, so that each undisturbed answer is computed once. */
const MAX_QUESTIONS = 60;
const DETACHED = 0.5;
const CANCELLED = 0.04;

export interface PlannedJob {
  /** Its place in the plan, from 0. */
  readonly place: number;
  readonly spec: JobSpec;
  /** Which of {@link Plan.questions} it asks. */
  readonly question: number;
  /** Which client process submits it, from 0. */
  readonly client: number;
  readonly detach: boolean;
  /** Cancelled by its client after this many chunks. */
  readonly cancelAfter?: number;
}

/** What is done to a process, and how long it lasts in milliseconds: until it runs again, or hears the bus again. */
export type Fault = {
  /** Comes when this many jobs have ended. */
  readonly at: number;
  /** It waits until all before it are over, and all after it wait until it has been got over. */
  readonly alone: boolean;
  readonly ms: number;
} & (
  | {
      readonly target: Role;
      /** Which of them, from 0. */
      readonly index: number;
      /**
       * `kill` -9; `stop` by SIGSTOP; `cut`: its connections are closed and none is made; `hold`: they stay open and
       * nothing gets through; `lose`: they stay open for ever and nothing gets through, while new ones work; `delay`: all is late by `delayMs`; `drain`: SIGTERM, and another in its place.
       */
      readonly kind: 'kill' | 'stop' | 'cut' | 'hold' | 'lose' | 'delay' | 'drain';
      readonly delayMs?: number;
    }
  | {
      readonly target: 'bus';
      readonly kind: 'kill' | 'stop';
      /** In a cluster; a single node is always meant. */
      readonly node: number | 'leader';
    }
);

export interface Plan {
  readonly seed: string;
  readonly questions: readonly JobSpec['input'][];
  readonly jobs: readonly PlannedJob[];
  readonly faults: readonly Fault[];
}

/** Everything that a run does follows from its seed and size. */
export function makePlan({ seed, jobs, faults }: { seed: string; jobs: number; faults: number }): Plan {
  const random = new Random(seed);
  const questions = Array.from({ length: Math.min(MAX_QUESTIONS, Math.max(1, Math.ceil(jobs / 5))) }, () =>
    makeQuestion(random),
  );
  return {
    seed,
    questions,
    jobs: Array.from({ length: jobs }, (_, place) => makeJob(random, place, questions)),
    faults: Array.from({ length: faults }, (_, index) =>
      makeFault(random, Math.round(((index + 1) * jobs) / (faults + 1))),
    ),
  };
}

/** Answers end at their limit: the model of a run never ends one by itself, so that most faults come in the middle. */
function makeQuestion(random: Random): JobSpec['input'] {
  const { input } = jobSpecSchema.parse({
    id: newJobId(),
    input: {
      prompt: {
        form: 'raw',
        text: `Tell me a story about a ${random.pick(CHARACTERS)} who ${random.pick(THINGS)}. Once`,
      },
      maxTokens: random.int(60, 240),
      sampling: { temperature: 0.8 },
      seed: deriveSeed(String(random.int(0, 1e9))),
    },
  });
  return input;
}

function makeJob(random: Random, place: number, questions: readonly JobSpec['input'][]): PlannedJob {
  const question = random.int(0, questions.length - 1);
  const spec = jobSpecSchema.parse({
    id: newJobId((size) => random.bytes(size)),
    tier: random.pick(tierSchema.options),
    input: questions[question],
  });
  const client = random.int(0, PROCESSES.client - 1);
  const detach = random.chance(DETACHED);
  const cancelled = random.chance(CANCELLED) ? { cancelAfter: random.int(1, 5) } : {};
  return { place, spec, question, client, detach, ...cancelled };
}

const KINDS = {
  worker: ['kill', 'kill', 'kill', 'stop', 'stop', 'cut', 'cut', 'hold', 'lose', 'delay', 'drain'],
  director: ['kill', 'kill', 'stop', 'cut', 'hold', 'lose', 'delay'],
  client: ['kill', 'kill', 'stop', 'cut', 'hold', 'lose', 'delay'],
} as const;
const TARGETS = [
  ...(['worker', 'worker', 'worker', 'worker'] as const),
  ...(['director', 'director', 'client', 'client', 'bus', 'bus'] as const),
];

/** Faults whose pauses are measured, and how many of them come alone. */
const MEASURED: ReadonlySet<string> = new Set(['kill', 'stop', 'cut', 'hold', 'lose']);
const ALONE = 0.7;

function makeFault(random: Random, at: number): Fault {
  const target = random.pick(TARGETS);
  if (target === 'bus') {
    const node = random.chance(0.5) ? 'leader' : random.int(0, 2);
    const kind = random.chance(0.6) ? 'kill' : 'stop';
    return { at, alone: false, target, kind, node, ms: random.int(200, 5_000) };
  }
  const index = random.int(0, PROCESSES[target] - 1);
  const kind = random.pick(KINDS[target]);
  const ms =
    kind === 'kill' || kind === 'drain'
      ? random.int(100, 2_000)
      : kind === 'cut'
        ? random.int(100, 10_000)
        : random.int(1_000, 8_000);
  const delay = kind === 'delay' ? { delayMs: random.int(50, 500) } : {};
  const alone = target === 'worker' && MEASURED.has(kind) && random.chance(ALONE);
  return { at, alone, target, index, kind, ms, ...delay };
}

/** In few words, as a log or a report says it. */
export function describeFault(fault: Fault): string {
  const whom =
    fault.target === 'bus'
      ? `bus ${fault.node === 'leader' ? 'leader' : `node ${fault.node + 1}`}`
      : `${fault.target} ${fault.index + 1}`;
  const by = fault.target !== 'bus' && fault.delayMs !== undefined ? ` by ${fault.delayMs} ms` : '';
  return `${fault.kind} ${whom}${by}, ${(fault.ms / 1_000).toFixed(1)} s`;
}

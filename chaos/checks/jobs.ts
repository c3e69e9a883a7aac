import type { JobId } from '../../src/runtime/protocol/ids.ts';
import type { Result } from '../../src/runtime/protocol/result.ts';
import type { Plan } from '../plan.ts';
import type { Ends } from '../records.ts';
import type { Seen, Stream } from '../streams.ts';
import type { Answer } from '../undisturbed.ts';
import type { Problem } from './problem.ts';

/** A job whose attempts failed may fail; with fewer than this it was given up too soon. */
const LEAST_ATTEMPTS = 3;

export interface JobsChecked {
  readonly problems: readonly Problem[];
  /** Accepted, and without an end. */
  readonly lost: number;
  /** With two ends that do not agree, or output that a reader got twice. */
  readonly doubled: number;
}

export interface JobsToCheck {
  readonly plan: Plan;
  /** Undisturbed, by question. */
  readonly answers: readonly Answer[];
  /** Jobs whose answer is another one by rounding alone. */
  readonly rounded: ReadonlySet<JobId>;
  readonly seen: Seen;
  readonly ends: Ends;
}

/** Every job has one end, of which all readers know, and the text that it has when nothing gets in the way. */
export function checkJobs({ plan, answers, rounded, seen, ends }: JobsToCheck): JobsChecked {
  const problems: Problem[] = [];
  const lost = new Set<JobId>();
  const doubled = new Set<JobId>();
  const streams = Map.groupBy(seen.streams, ({ job }) => job);
  for (const { spec, question, cancelAfter } of plan.jobs) {
    const { id } = spec;
    const say = (check: Problem['check'], detail: string) =>
      problems.push({ check, detail: `job ${id}: ${detail}` });
    const record = ends.records.get(id);
    const text = rounded.has(id) && record?.status === 'done' ? record.text : (answers[question]?.text ?? '');
    if (record === undefined && seen.accepted.has(id)) {
      lost.add(id);
      say('ends', 'accepted, and without a result');
    }
    if (record?.status === 'cancelled' && cancelAfter === undefined) {
      say('ends', `cancelled, which nobody asked for (${record.reason})`);
    }
    if (record?.status === 'failed' && (record.attempts?.length ?? 0) < LEAST_ATTEMPTS) {
      say('ends', `failed after ${record.attempts?.length ?? 0} attempts: ${record.error.message}`);
    }
    if (record?.status === 'done' && record.text !== text) {
      say('texts', `the result is not the undisturbed text (${difference(text, record.text)})`);
    }
    for (const final of ends.finals.get(id) ?? []) {
      if (agrees(record, final)) continue;
      doubled.add(id);
      say('ends', `an event says ${final.status}, the record ${record?.status ?? 'nothing'}`);
    }
    const of = streams.get(id) ?? [];
    if (record !== undefined && !of.some(({ final }) => final)) say('streams', 'no reader saw its end');
    for (const stream of of) {
      for (const problem of checkStream(stream, record, text)) say('streams', problem);
      if (stream.breaks.length > 0) doubled.add(id);
    }
  }
  for (const id of ends.records.keys()) {
    if (!plan.jobs.some(({ spec }) => spec.id === id)) {
      problems.push({ check: 'ends', detail: `job ${id} has a result, and nobody submitted it` });
    }
  }
  return { problems, lost: lost.size, doubled: doubled.size };
}

function checkStream(stream: Stream, record: Result | undefined, text: string): string[] {
  const problems = [...stream.breaks];
  const { final } = stream;
  if (!text.startsWith(stream.text))
    problems.push(`not the undisturbed text (${difference(text, stream.text)})`);
  if (final && final.type !== record?.status) {
    problems.push(`ended for its reader as ${final.type}, on record as ${record?.status ?? 'nothing'}`);
  }
  if (final?.type === 'done' && record?.status === 'done' && stream.text !== record.text) {
    problems.push(`the reader's text is not the result's (${difference(record.text, stream.text)})`);
  }
  return problems.map((problem) => `${problem} [${stream.journal}]`);
}

function agrees(record: Result | undefined, final: { status: string; textLength?: number }): boolean {
  if (record?.status !== final.status) return false;
  return record.status !== 'done' || record.text.length === final.textLength;
}

function difference(expected: string, got: string): string {
  let at = 0;
  while (at < expected.length && expected[at] === got[at]) at++;
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 10), at + 20));
  return `at ${at} of ${expected.length}: ${near(got)} instead of ${near(expected)}`;
}

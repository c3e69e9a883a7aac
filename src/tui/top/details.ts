import type {
  GridSnapshot,
  JobRow,
  ModelPrice,
  ModelRow,
  WorkerRow,
} from '../../runtime/monitor/grid-snapshot.ts';
import { reliability } from '../../runtime/monitor/reputation.ts';
import { toWidth } from './text.ts';
import type { Theme } from './theme.ts';
import type { TableName } from './ui-state.ts';
import { age, count, credits, latency, price, rate, share, timeOfDay } from './units.ts';

type Fact = readonly [name: string, value: string];

/** All that is known of one row, and what happened to it; the newest at the end. */
export function drawDetails(
  name: TableName,
  id: string,
  snapshot: GridSnapshot,
  width: number,
  now: number,
  theme: Theme,
): string[] {
  const { facts, story } = describe(name, id, snapshot, now);
  const label = Math.max(...facts.map(([fact]) => fact.length)) + 2;
  const cut = (text: string, columns: number) => toWidth(text, columns, 'left', theme.signs.ellipsis);
  return [
    theme.paint('strong', cut(id, width)),
    '',
    ...facts.map(([fact, value]) => theme.paint('dim', cut(fact, label)) + cut(value, width - label)),
    ...(story.length > 0 ? ['', theme.paint('dim', cut('WHAT HAPPENED', width))] : []),
    ...story.map((line) => cut(line, width)),
  ];
}

function describe(
  name: TableName,
  id: string,
  { jobs, workers, models, log, isPaid }: GridSnapshot,
  now: number,
): { facts: Fact[]; story: string[] } {
  const job = name === 'jobs' ? [...jobs.values()].find((row) => row.id === id) : undefined;
  if (job) return { facts: jobFacts(job, now), story: storyOf(job) };
  const worker = name === 'workers' ? [...workers.values()].find((row) => row.id === id) : undefined;
  if (worker) {
    const running = [...jobs.values()].filter((row) => row.worker === id && row.status === 'running');
    const happened = log.filter((entry) => entry.id === id || entry.what.endsWith(` on ${id}`));
    return {
      facts: workerFacts(worker, running, isPaid, now),
      story: happened.map(({ at, what, about, id: of }) =>
        about === 'job' ? `${timeOfDay(at)}  job ${of}: ${what}` : `${timeOfDay(at)}  ${what}`,
      ),
    };
  }
  const model = name === 'models' ? [...models.values()].find((row) => row.name === id) : undefined;
  if (model) {
    const serving = [...workers.values()].filter((row) => row.models.some((served) => served === id));
    return { facts: modelFacts(model, serving), story: [] };
  }
  return { facts: [['state', 'It is not there any more.']], story: [] };
}

function jobFacts(row: JobRow, now: number): Fact[] {
  const { status, code, model, tier, account, worker, attempt, place, tokens } = row;
  return [
    ['state', code === undefined ? status : `${status}: ${code}`],
    ['model', model ?? '-'],
    ['worker', worker ?? '-'],
    ['account', account],
    ['tier', tier ?? '-'],
    ['attempt', attempt === 0 ? '-' : String(attempt)],
    ...(place === undefined || status !== 'waiting' ? [] : [['place', String(place)] as const]),
    ['tokens', count(tokens)],
    ['tokens/s', row.tokensPerSecond === undefined ? '-' : rate(row.tokensPerSecond)],
    ['first token', row.firstTokenMs === undefined ? '-' : latency(row.firstTokenMs)],
    ['accepted', row.acceptedAt === undefined ? '-' : `${age(now - row.acceptedAt)} ago`],
    ...(row.endedAt === undefined ? [] : [['ended', `${age(now - row.endedAt)} ago`] as const]),
  ];
}

function storyOf({ steps }: JobRow): string[] {
  const start = steps[0]?.at ?? 0;
  return steps.map(({ at, what }) => `${timeOfDay(at)}  ${`+${latency(at - start)}`.padStart(7)}  ${what}`);
}

function workerFacts(row: WorkerRow, running: readonly JobRow[], isPaid: boolean, now: number): Fact[] {
  const { state, reason, models, busy, slots, tokensPerSecond, done, failed, version, region = '-' } = row;
  return [
    ['state', reason === undefined ? state : `${state}: ${reason}`],
    ['models', models.join(', ')],
    ['slots', `${busy} of ${slots} busy`],
    ['tokens/s', rate(tokensPerSecond)],
    ['jobs', `${count(done)} done, ${count(failed)} failed since its start`],
    ...(isPaid ? [['earned', `${credits(row.earned ?? 0)} credits since the watch began`] as const] : []),
    ['reputation', reputationText(row)],
    ['region', region],
    ['version', version],
    ['up', age(now - row.startedAt)],
    ['works on', running.map(({ id }) => id).join(' ') || '-'],
  ];
}

function reputationText({ reputation }: WorkerRow): string {
  if (reputation === undefined) return '-';
  const { done, broken } = reputation;
  return `${share(reliability(reputation))}: ${count(done)} of ${count(done + broken)} attempts done since the watch began`;
}

function modelFacts(row: ModelRow, serving: readonly WorkerRow[]): Fact[] {
  return [
    ['slots', `${count(row.busy)} of ${count(row.slots)} busy`],
    ['waiting', count(row.waiting)],
    ['wait', row.waitMs === undefined ? '-' : `about ${latency(row.waitMs)} for a job that came now`],
    ['jobs/s', rate(row.jobsPerSecond)],
    ['tokens/s', rate(row.tokensPerSecond)],
    ...(row.price ? priceFacts(row.price) : []),
    ...serving.map(
      ({ id, state, busy, slots }, index) =>
        [index === 0 ? 'served by' : '', `${id}  ${state}  ${busy}/${slots}`] as const,
    ),
  ];
}

const BASES: Record<ModelPrice['basis'], string> = {
  header: "by the model's header",
  set: 'set by an operator',
  policy: "the grid's for any model",
};

function priceFacts({ input, output, basis }: ModelPrice): Fact[] {
  return [
    ['price', `${price(input)} credits a million tokens of prompt, ${price(output)} of output`],
    ['', BASES[basis]],
  ];
}

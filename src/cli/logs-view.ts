import process from 'node:process';
import type { LoggedJob } from '../runtime/history/logged-job.ts';
import { promptOf } from '../runtime/history/logged-job.ts';
import { loggedJobJson } from './logged-job-json.ts';
import { formatDuration, paint, withoutControls } from './terminal.ts';

/** Of an id, so many characters are shown in a list: a million jobs rarely share them. */
const SHORT_ID = 8;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** A line per job, or JSON lines. */
export function printJobs(found: Iterable<LoggedJob>, { json }: { json: boolean }): void {
  if (json) {
    for (const job of found) process.stdout.write(`${JSON.stringify(loggedJobJson(job))}\n`);
    return;
  }
  const jobs = [...found];
  if (jobs.length === 0) {
    process.stderr.write('The log has nothing of the kind.\n');
    return;
  }
  const { dim, yellow, cyan } = paint(process.stdout);
  const models = jobs.map(modelOf);
  const modelWidth = Math.min(32, Math.max(...models.map((model) => model.length)));
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
  jobs.forEach((job, index) => {
    const id = job.id.slice(0, SHORT_ID);
    const when = formatWhen(job.createdAt, Date.now()).padEnd(12);
    const model = (models[index] ?? '').slice(0, modelWidth).padEnd(modelWidth);
    const status = job.status === 'done' ? '' : `${job.status} `;
    const chat = job.chat === null ? '' : `[${job.chat}] `;
    const words = oneLine(promptOf(job.input));
    const used = id.length + when.length + model.length + 6 + status.length + chat.length;
    const shown = columns === undefined ? words : words.slice(0, Math.max(10, columns - used - 1));
    process.stdout.write(`${cyan(id)}  ${dim(when)}  ${model}  ${yellow(status)}${dim(chat)}${shown}\n`);
  });
}

/** One job for a person: what was asked, what was answered, and how. */
export function printJob(job: LoggedJob): void {
  const { bold, dim, red, yellow } = paint(process.stdout);
  const { prompt, sampling, seed, maxTokens, stop } = job.input;
  const safe = process.stdout.isTTY ? withoutControls : (text: string) => text;
  const fact = (name: string, value: string | number) => `${dim(name.padEnd(13))} ${safe(String(value))}`;
  const { tokens, timings } = job;
  const facts = [
    fact('id', job.id),
    fact('when', new Date(job.createdAt).toISOString()),
    fact('conversation', job.chat ?? job.conversation),
    fact('model', job.modelSha256 === null ? modelOf(job) : `${modelOf(job)} (sha256 ${job.modelSha256})`),
    fact('grid', job.worker === null ? job.grid : `${job.grid}, worker ${job.worker}`),
    fact(
      'sampling',
      Object.entries(sampling)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ),
    fact('seed', seed),
    fact('limits', [`${maxTokens} tokens`, ...stop.map((text) => `stop ${JSON.stringify(text)}`)].join(', ')),
    fact('status', job.finishReason === null ? job.status : `${job.status} (${job.finishReason})`),
    ...(tokens ? [fact('tokens', `${tokens.prompt} of prompt, ${tokens.output} of output`)] : []),
    fact('time', formatDuration(timings.totalMs)),
  ];
  const messages = prompt.form === 'raw' ? [{ role: 'raw prompt', content: prompt.text }] : prompt.messages;
  const said = [
    ...messages.map(({ role, content }) => ({ role, content, style: bold })),
    { role: 'assistant', content: job.text, style: yellow },
  ].map(({ role, content, style }) => `${style(`# ${role}`)}\n${safe(content)}`);
  const error = job.error === null ? [] : [`${red('error:')} ${safe(job.error.message)}`];
  process.stdout.write(`${[facts.join('\n'), ...said, ...error].join('\n\n')}\n`);
}

function modelOf({ model, modelReference }: LoggedJob): string {
  return withoutControls(model ?? modelReference ?? '-');
}

/** `14:03` of today, `Mar 14 14:03` of this year, else the date. */
function formatWhen(ms: number, now: number): string {
  const date = new Date(ms);
  const time = date.toTimeString().slice(0, 5);
  if (new Date(now).toDateString() === date.toDateString()) return time;
  const day = date.toDateString().slice(4, 10);
  return now - ms < 300 * DAY_MS ? `${day} ${time}` : `${day} ${date.getFullYear()}`;
}

function oneLine(text: string): string {
  return withoutControls(text.replace(/\s+/g, ' ')).trim();
}

import process from 'node:process';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { batchFlags } from '../cli/batch-flags.ts';
import { conversationFlags, lastingReference, openConversation } from '../cli/conversation.ts';
import { ensureModel, modelReference, yesFlag } from '../cli/ensure-model.ts';
import { durationFlag, gridFlag, numberFlag } from '../cli/flags.ts';
import { formatFlags, readFormat } from '../cli/format.ts';
import { hintOncePerDay } from '../cli/hint.ts';
import { inputFlags, readInput } from '../cli/input.ts';
import { leaveToGrid, submitFlags } from '../cli/job-flags.ts';
import { AnswerWriter, answerJson, printStats } from '../cli/job-output.ts';
import { openWithProgress } from '../cli/open-with-progress.ts';
import { priceFlags, withMaxPrice } from '../cli/price-flags.ts';
import { openReplay, replayFlags } from '../cli/replay.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { promptArg, textFlags, textJob } from '../cli/text-job.ts';
import { Turn } from '../cli/turn.ts';
import { WaitingLine } from '../cli/waiting-line.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectGrid } from '../runtime/config/select-grid.ts';
import { modelNameOnGrid } from '../runtime/grids/open.ts';
import { requireFormat } from '../runtime/json-schema/answer-format.ts';
import { parseModelReference } from '../runtime/models/reference.ts';

const REAL_MODEL_COMMAND = 'aipg gen -m hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M "…"';

export default class Gen extends BaseCommand {
  static override summary = 'Answer a prompt, streaming to stdout.';
  static override description =
    `The prompt is the words given, or stdin, or both: then stdin is the context and the words are the instruction.
With nothing set up and nothing running, the bundled demo model answers in this process.
Exit codes: 0 answered, 2 usage, 3 model, 4 grid, 5 job failed, 6 timed out, 130 cancelled.`;
  static override examples = [
    '<%= config.bin %> gen "What is the capital of France?"',
    '$ cat error.log | <%= config.bin %> gen "What went wrong here?"',
    '<%= config.bin %> gen -m hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M "Write a haiku."',
    '<%= config.bin %> gen --seed 7 --temperature 0 --json "Tell me a story about a fox."',
    '<%= config.bin %> gen -f "src/**/*.ts" "Where are errors reported?"',
    '<%= config.bin %> gen --schema person.json "Invent a person." | jq .name',
    '<%= config.bin %> gen --sealed "What does this contract oblige me to?" -f contract.txt',
    '<%= config.bin %> gen --max-price 0.01 "Write a haiku."',
    '<%= config.bin %> gen --batch prompts.jsonl -o answers.jsonl',
  ];

  // As oclif would write it, it is eight lines of brackets.
  static override usage = [
    'gen [PROMPT...] [FLAGS]',
    'gen --batch FILE [-o FILE] [FLAGS]',
    'gen --replay ID|FILE|- [--check] [FLAGS]',
  ];

  static override args = { prompt: promptArg };

  static override flags = {
    model: Flags.string({
      char: 'm',
      description: 'A name or alias, a path to a .gguf file, or hf:org/repo[:QUANT|:file.gguf].',
      helpValue: 'MODEL',
    }),
    ...inputFlags,
    ...textFlags,
    ...formatFlags,
    ...conversationFlags,
    ...replayFlags,
    grid: gridFlag,
    ...submitFlags,
    ...priceFlags,
    yes: yesFlag,
    threads: numberFlag('threads', { min: 1, max: 512, integer: true })({
      description: 'CPU threads, for an answer in this process. Default: measured once.',
      helpValue: 'N',
    }),
    timeout: durationFlag('timeout')({
      description: 'Give up after this long, such as 30s or 2m.',
      helpValue: 'TIME',
    }),
    'no-stream': Flags.boolean({ description: 'Print the answer only when it is complete.' }),
    stats: Flags.boolean({ description: 'Say on stderr how fast it was.' }),
    ...batchFlags,
  };

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(Gen);
    if (given.batch !== undefined) {
      const { answerBatch } = await import('../cli/batch.ts');
      return await answerBatch({ ...given, batch: given.batch, words: args.prompt }, this.argv);
    }
    const paths = resolvePaths();
    using stop = stopSignal(given.timeout);
    const { signal } = stop;

    const words = args.prompt ?? [];
    const replay = await openReplay(paths, given, words, signal);
    const conversation = await openConversation(paths, given);
    const kept = { ...replay?.settings, ...conversation.settings };
    const input = replay
      ? { prompt: '', flags: { ...kept, ...given }, template: undefined }
      : await readInput(words, given, { paths, signal, kept });
    const { prompt, flags } = input;
    const format = await readFormat(flags, input.template);
    // A file of this machine is of use to this process alone, unless a grid was asked for.
    const reference = modelReference(flags.model, paths);
    const asked = flags.grid ?? (parseModelReference(reference).form === 'path' ? 'local' : undefined);
    const choice = selectGrid({ paths, asked });
    const model = choice.where === 'bus' ? await modelNameOnGrid(reference) : undefined;
    const asJob =
      replay?.job({ model, timeoutMs: flags.timeout }) ??
      textJob(prompt, flags, {
        model,
        timeoutMs: flags.timeout,
        history: conversation.messages,
        format: format?.format,
      });
    const job = withMaxPrice({ ...asJob, tier: flags.tier ?? asJob.tier }, flags['max-price']);
    if (flags['dry-run']) {
      const { tellQuote } = await import('../cli/quote.ts');
      return await tellQuote(job, { choice, paths, reference, json: flags.json, signal });
    }
    if (choice.where === 'local') await ensureModel(reference, { paths, yes: flags.yes, signal });
    await replay?.checkModel(choice, paths, signal);

    await using grid = await openWithProgress({ choice, paths, env: process.env, signal, ...flags });
    if (flags.detach) return await leaveToGrid(grid, job, { ...flags, signal });
    using waiting = new WaitingLine();
    await using turn = new Turn({
      paths,
      grid,
      conversation,
      model: lastingReference(flags.model),
      keep: !flags['no-log'],
      json: flags.json,
      wait: flags.wait,
      sealed: flags.sealed,
      onEvent: (event) => waiting.show(event),
    });
    const writer = new AnswerWriter();
    // What reads a pipe gets JSON that is whole and checked, or nothing.
    const streaming =
      !flags.json && !flags['no-stream'] && (format === undefined || process.stdout.isTTY === true);
    try {
      const answer = await turn.answer(job, (text) => streaming && writer.write(text), signal);
      if (format) requireFormat(format, answer, job.input);
      if (flags.json) process.stdout.write(`${JSON.stringify(answerJson(grid, turn.job, answer))}\n`);
      else if (!streaming) writer.write(answer.text);
      writer.end();
      replay?.compare(answer);
      if (flags.stats) printStats(grid, answer);
    } catch (error) {
      if (process.stdout.isTTY) writer.end();
      throw error;
    }
    if (choice.where === 'local' && flags.model === undefined) {
      hintOncePerDay(
        paths,
        'demo-model',
        `This was aipg-tiny, a demo model of 2 million parameters. For a real one: ${REAL_MODEL_COMMAND}`,
      );
    }
  }
}

import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { durationFlag, gridFlag, numberFlag } from '../cli/flags.ts';
import { formatFlags, readFormat, requireFormat } from '../cli/format.ts';
import { hintOncePerDay } from '../cli/hint.ts';
import { inputFlags, readInput } from '../cli/input.ts';
import { AnswerWriter, answerJson, followJob, printStats } from '../cli/job-output.ts';
import { openWithProgress } from '../cli/open-with-progress.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { textFlags, textJob } from '../cli/text-job.ts';
import { resolvePaths } from '../runtime/config/paths.ts';
import { selectGrid } from '../runtime/config/select-grid.ts';
import { modelNameOnGrid } from '../runtime/grids/open.ts';
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
  ];

  static override args = {
    prompt: Args.string({
      multiple: true,
      ignoreStdin: true,
      description: 'Words of the prompt; `-` stands for stdin.',
    }),
  };

  static override flags = {
    model: Flags.string({
      char: 'm',
      description: 'A name, a path to a .gguf file, or hf:org/repo[:QUANT|:file.gguf].',
      helpValue: 'MODEL',
    }),
    ...inputFlags,
    ...textFlags,
    ...formatFlags,
    grid: gridFlag,
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
  };

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(Gen);
    const paths = resolvePaths();
    using stop = stopSignal(given.timeout);
    const { signal } = stop;

    const { prompt, flags, template } = await readInput(args.prompt ?? [], given, { paths, signal });
    const format = await readFormat(flags, template);
    // A file of this machine is of use to this process alone, unless a grid was asked for.
    const asked = flags.grid ?? (parseModelReference(flags.model).form === 'path' ? 'local' : undefined);
    const choice = selectGrid({ paths, asked });
    const model = choice.where === 'bus' ? await modelNameOnGrid(flags.model) : undefined;
    const job = textJob(prompt, flags, { model, timeoutMs: flags.timeout, format: format?.format });

    await using grid = await openWithProgress({ choice, paths, env: process.env, signal, ...flags });
    const handle = await grid.submit(job, signal);
    const writer = new AnswerWriter();
    // What reads a pipe gets JSON that is whole and checked, or nothing.
    const streaming =
      !flags.json && !flags['no-stream'] && (format === undefined || process.stdout.isTTY === true);
    try {
      const answer = await followJob(handle, (text) => streaming && writer.write(text), signal);
      if (format) requireFormat(format, answer, job.input);
      if (flags.json) process.stdout.write(`${JSON.stringify(answerJson(grid, job, answer))}\n`);
      else if (!streaming) writer.write(answer.text);
      writer.end();
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

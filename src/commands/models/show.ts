import process from 'node:process';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { numberFlag } from '../../cli/flags.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { formatBytes, paint, withoutControls } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { LIMITS } from '../../runtime/protocol/limits.ts';

/** Of the template, where all of it was not asked for, in characters. */
const TEMPLATE_START = 160;

export default class ModelsShow extends BaseCommand {
  static override summary = 'Tell what is known of a model: facts, memory, license, chat template, files.';
  static override description =
    'From its header alone; nothing is loaded. A model that is not on this machine is read from the hub, by a few range requests.';
  static override examples = [
    '<%= config.bin %> models show aipg-tiny',
    '<%= config.bin %> models show hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M --context 32768',
    '<%= config.bin %> models show ./model.gguf --template',
  ];

  static override args = {
    model: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'A name or a part of one, an alias, a path, or hf:org/repo[:QUANT|:file.gguf].',
    }),
  };

  static override flags = {
    context: numberFlag('context', { min: 1, max: 16_777_216, integer: true })({
      description: "Tokens of context for the memory estimate. Default: the model's own, at most 8192.",
      helpValue: 'N',
    }),
    slots: numberFlag('slots', { min: 1, max: LIMITS.slots, integer: true })({
      description: 'Jobs side by side for the memory estimate. Default: 1.',
      helpValue: 'N',
    }),
    template: Flags.boolean({ description: 'Print the whole chat template, and nothing else.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModelsShow);
    const paths = resolvePaths();
    using stop = stopSignal();
    const [{ describeModel }, { machineMemory }, output] = await Promise.all([
      import('../../runtime/models/describe-model.ts'),
      import('../../runtime/models/machine-room.ts'),
      import('../../cli/model-output.ts'),
    ]);
    const details = await describeModel(args.model, {
      env: process.env,
      cacheDir: paths.cache,
      configDir: paths.config,
      signal: stop.signal,
    });
    const { facts, bytes, chatTemplate } = details;
    const memory = output.memoryHere(
      facts,
      { fileBytes: bytes, contextSize: flags.context, slots: flags.slots },
      await machineMemory(paths.cache, process.env),
    );
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(output.detailsJson(details, memory))}\n`);
      return;
    }
    if (flags.template) {
      const template = chatTemplate ?? '';
      process.stdout.write(`${process.stdout.isTTY ? withoutControls(template) : template}\n`);
      return;
    }
    const where = {
      bundled: 'comes with aipg',
      cache: 'in the Hugging Face cache',
      file: 'a file of your own',
      hub: `not on this machine; get it with: aipg models pull ${args.model}`,
    }[details.where];
    const rows: (readonly [string, string])[] = [
      ['title', facts.title ?? 'none'],
      ['architecture', facts.architecture],
      ['parameters', `${output.formatCount(facts.parameters)} (${facts.parameters})`],
      ['quant', details.quant ?? 'unknown'],
      ['context', facts.contextSize === null ? 'unknown' : `${facts.contextSize} tokens`],
      ['layers', `${facts.layers} of width ${facts.embeddingLength}, vocabulary of ${facts.vocabulary}`],
      ['size', `${formatBytes(bytes)}${details.parts.length > 1 ? `, ${details.parts.length} parts` : ''}`],
      ['memory', output.describeMemory(memory)],
      ['', output.describeFit(memory)],
      ...output.unknownGpuRow(memory),
      ['license', details.license ?? 'unknown'],
      ['template', chatTemplate === undefined ? 'none' : shortened(chatTemplate)],
      ['aliases', details.aliases.join(', ') || 'none'],
      ['last used', output.formatAge(details.lastUsed, Date.now())],
      ['where', where],
      ...details.parts.flatMap(({ path, sha256 }): [string, string][] => [
        ['file', path],
        ['sha256', sha256 ?? 'unknown'],
      ]),
    ];
    const { bold, dim } = paint(process.stdout);
    const lines = rows.map(([label, text]) => `  ${dim(label.padEnd(13))}${output.oneLine(text)}`);
    process.stdout.write(`${[bold(output.oneLine(details.name)), ...lines].join('\n')}\n`);
  }
}

function shortened(template: string): string {
  if (template.length <= TEMPLATE_START) return template;
  return `${template.slice(0, TEMPLATE_START).toWellFormed()} … (${template.length} characters; all of it with --template)`;
}

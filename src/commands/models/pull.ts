import process from 'node:process';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { modelReference } from '../../cli/ensure-model.ts';
import { numberFlag } from '../../cli/flags.ts';
import { stopSignal } from '../../cli/stop-signal.ts';
import { formatBytes, formatDuration, paint } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';
import { parseModelReference } from '../../runtime/models/reference.ts';
import { AipgError } from '../../runtime/protocol/errors.ts';

export default class ModelsPull extends BaseCommand {
  static override summary = 'Download a model from the Hugging Face hub into its cache.';
  static override description =
    `Says first what it will take, goes on where an earlier download stopped, and checks the sha256 of every file.
HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE are honoured.`;
  static override examples = [
    '<%= config.bin %> models pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    '<%= config.bin %> models pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Llama-3.2-1B-Instruct-Q8_0.gguf',
    '<%= config.bin %> models pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF --json',
  ];

  static override args = {
    model: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'hf:org/repo, hf:org/repo:QUANT, hf:org/repo:file.gguf, or an alias of one.',
    }),
  };

  static override flags = {
    context: numberFlag('context', { min: 1, max: 16_777_216, integer: true })({
      description: "Tokens of context for the memory estimate. Default: the model's own, at most 8192.",
      helpValue: 'N',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModelsPull);
    const paths = resolvePaths();
    const reference = parseModelReference(modelReference(args.model, paths));
    if (reference.form !== 'hub') {
      throw new AipgError('usage', `${args.model} is no model of the hub.`, {
        hint: 'Write it as hf:org/repo:QUANT, such as hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M.',
      });
    }
    using stop = stopSignal();
    const { signal } = stop;
    const [{ planPull }, { pullModel }, { PullView }, { machineMemory }, output] = await Promise.all([
      import('../../runtime/models/plan-pull.ts'),
      import('../../runtime/models/pull.ts'),
      import('../../cli/pull-progress.ts'),
      import('../../runtime/models/machine-room.ts'),
      import('../../cli/model-output.ts'),
    ]);
    using view = new PullView(args.model);
    const hub = { env: process.env, signal, onRetry: view.retry };
    view.wait('Asking the hub …');
    const plan = await planPull(reference, hub);
    view[Symbol.dispose]();
    const memory = output.memoryHere(
      plan.facts,
      { fileBytes: plan.bytes, contextSize: flags.context },
      await machineMemory(paths.cache, process.env),
    );
    const { bold, dim, green } = paint(process.stderr);
    process.stderr.write(`${bold(plan.name)}\n`);
    for (const [label, text] of output.describePlan(plan, memory)) {
      process.stderr.write(`  ${dim(label.padEnd(8))}${text}\n`);
    }
    const startedAt = performance.now();
    const model = await pullModel(plan, {
      ...hub,
      onProgress: plan.isHere ? undefined : view.report,
    });
    view[Symbol.dispose]();
    const took = formatDuration(performance.now() - startedAt);
    process.stderr.write(
      plan.isHere
        ? `${green('Done')}: it was here already.\n`
        : `${green('Done')}: ${formatBytes(plan.missingBytes)} in ${took}, checked. Use it: aipg gen -m ${plan.name} "…"\n`,
    );
    if (!flags.json) {
      process.stdout.write(`${model.path}\n`);
      return;
    }
    const { facts, quant, bytes, missingBytes, license, parts, repo } = plan;
    process.stdout.write(
      `${JSON.stringify({
        name: plan.name,
        reference: plan.reference,
        commit: repo.commit,
        path: model.path,
        bytes,
        receivedBytes: missingBytes,
        alreadyHere: plan.isHere,
        parts: parts.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256: sha256 ?? null })),
        architecture: facts.architecture,
        parameters: facts.parameters,
        quant: quant ?? null,
        contextSize: facts.contextSize,
        license: license ?? null,
        memory: output.memoryJson(memory),
      })}\n`,
    );
  }
}

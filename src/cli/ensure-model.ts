import process from 'node:process';
import { Flags } from '@oclif/core';
import type { Paths } from '../runtime/config/paths.ts';
import { expandAlias, readAliases } from '../runtime/models/aliases.ts';
import { formatModelReference, type HubReference, parseModelReference } from '../runtime/models/reference.ts';
import { AipgError } from '../runtime/protocol/errors.ts';

/** Of commands that use a model: `aipg gen`, `aipg worker` and `aipg up`. */
export const yesFlag = Flags.boolean({
  char: 'y',
  description: 'Download a model that is not on this machine without asking.',
});

export interface EnsureModelOptions {
  readonly paths: Paths;
  readonly yes: boolean;
  readonly signal: AbortSignal;
  /** Whether stdin is free for a question. Default: where it is a terminal. */
  readonly mayAsk?: boolean | undefined;
  /** Places side by side that it is to have, for the memory estimate. */
  readonly slots?: number | undefined;
}

/** What a user's alias stands for; any other reference as it is. @throws AipgError `usage` when the settings are broken */
export function modelReference(text: string | undefined, paths: Paths): string | undefined {
  return text === undefined ? undefined : expandAlias(text, readAliases(paths));
}

/**
 * Gets a model of the hub that is not on this machine: asks on a terminal, does not ask with `--yes`, and downloads
 * nothing where nobody can be asked.
 * @throws AipgError `model-not-found` with the command that gets it; what a download throws
 */
export async function ensureModel(text: string | undefined, options: EnsureModelOptions): Promise<void> {
  const reference = parseModelReference(modelReference(text, options.paths));
  if (reference.form !== 'hub') return;
  const canAsk = (options.mayAsk ?? process.stdin.isTTY) && process.stderr.isTTY;
  const { locateHub, missingModel } = await import('../runtime/models/locate.ts');
  const { env } = process;
  if (await locateHub(reference, { env })) return;
  if (!options.yes && !canAsk) throw missingModel(reference, { env });
  await offer(reference, options);
}

async function offer(
  reference: HubReference,
  { paths, yes, signal, slots }: EnsureModelOptions,
): Promise<void> {
  const [{ checkRoom, planPull }, { pullModel }, { PullView }, output, { formatBytes, paint }] =
    await Promise.all([
      import('../runtime/models/plan-pull.ts'),
      import('../runtime/models/pull.ts'),
      import('./pull-progress.ts'),
      import('./model-output.ts'),
      import('./terminal.ts'),
    ]);
  using asking = new PullView(formatModelReference(reference));
  asking.wait('Asking the hub …');
  const plan = await planPull(reference, { env: process.env, signal, onRetry: asking.retry });
  asking[Symbol.dispose]();
  checkRoom(plan);
  if (!yes) {
    const { machineMemory } = await import('../runtime/models/machine-room.ts');
    const machine = await machineMemory(paths.cache, process.env);
    const memory = output.memoryHere(plan.facts, { fileBytes: plan.bytes, slots }, machine);
    const question = `Download ${plan.name} (${formatBytes(plan.missingBytes)}, ${output.describeFit(memory)})?`;
    if (!(await confirm(question, { signal, byDefault: true }))) {
      throw new AipgError('model-not-found', `${plan.name} is not on this machine, and was not downloaded.`, {
        hint: `Get it with: aipg models pull ${plan.reference}`,
      });
    }
  }
  using view = new PullView(plan.name);
  await pullModel(plan, { env: process.env, signal, onProgress: view.report, onRetry: view.retry });
  view[Symbol.dispose]();
  process.stderr.write(`${paint(process.stderr).dim(`Downloaded ${plan.name}.`)}\n`);
}

/**
 * Asks a yes-or-no question on stderr, and takes the end of stdin for a no. Only for a terminal.
 * @throws the signal's reason
 */
export async function confirm(
  question: string,
  { signal, byDefault }: { readonly signal: AbortSignal; readonly byDefault: boolean },
): Promise<boolean> {
  const { createInterface } = await import('node:readline');
  // Not as a terminal, or readline would take Ctrl-C for itself.
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stderr.write(`${question} ${byDefault ? '[Y/n]' : '[y/N]'} `);
  const answer = Promise.withResolvers<string | undefined>();
  lines.once('line', answer.resolve);
  lines.once('close', () => answer.resolve(undefined));
  const abort = () => answer.reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    const text = (await answer.promise)?.trim().toLowerCase();
    if (text === undefined) process.stderr.write('\n');
    return text === '' ? byDefault : text === 'y' || text === 'yes';
  } finally {
    signal.removeEventListener('abort', abort);
    lines.close();
    process.stdin.unref();
  }
}

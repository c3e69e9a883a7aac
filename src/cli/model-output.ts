import type { ModelDetails } from '../runtime/models/describe-model.ts';
import type { HeaderFacts } from '../runtime/models/header-facts.ts';
import type { ListedModel } from '../runtime/models/list-models.ts';
import { fitOf, type MachineMemory } from '../runtime/models/machine-room.ts';
import { type EstimateOptions, estimateMemory } from '../runtime/models/memory-estimate.ts';
import type { PullPlan } from '../runtime/models/plan-pull.ts';
import { formatBytes, withoutControls } from './terminal.ts';

/** What comes from a file or from the hub, safe on a terminal and on one line. */
export function oneLine(text: string): string {
  return withoutControls(text).replace(/\s+/g, ' ').trim();
}

/** `1.2B`, `361M`, `1.9M`, as models are spoken of. */
export function formatCount(count: number): string {
  const units = ['', 'K', 'M', 'B', 'T'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  const value = count / 10 ** (3 * power);
  return power === 0 || value >= 99.5
    ? `${Math.round(value)}${units[power]}`
    : `${value.toFixed(1)}${units[power]}`;
}

/** `today`, `3 days ago`, for a list; `never`. */
export function formatAge(date: Date | undefined, now: number): string {
  if (!date) return 'never';
  const minutes = Math.floor((now - date.getTime()) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  const days = Math.floor(minutes / (24 * 60));
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** Rows under their heads, as wide as they need to be; columns of numbers are flush right. */
export function table(
  heads: readonly { readonly title: string; readonly right?: boolean }[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = heads.map(({ title }, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [heads.map(({ title }) => title), ...rows].map((row) =>
    row
      .map((cell, column) =>
        heads[column]?.right ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** What a model takes in memory here, and whether it fits. */
export function memoryHere(facts: HeaderFacts, options: EstimateOptions, machine: MachineMemory) {
  const estimate = estimateMemory(facts, options);
  return { ...estimate, ...fitOf(estimate.totalBytes, machine), machine };
}

export type MemoryHere = ReturnType<typeof memoryHere>;
type FitHere = Pick<MemoryHere, 'fit' | 'place' | 'machine'>;

/** `fits in memory`, or on the GPU, or partly, and what it does where it does not. */
export function describeFit({ fit, place, machine }: FitHere): string {
  const { gpu, totalBytes, availableBytes } = machine;
  const total = formatBytes(totalBytes);
  const free = `${formatBytes(availableBytes)} of ${total} are free`;
  const onGpu = gpu ? formatBytes(gpu.totalBytes) : '';
  const shared = gpu && gpu.unifiedBytes > 0;
  if (fit === 'too-large') {
    const besides = gpu && !shared ? `, its GPU ${onGpu}` : '';
    return `does not fit in memory: this machine has ${total}${besides}`;
  }
  if (fit === 'tight') {
    const partly = place === 'gpu-and-memory' && !shared ? `, even with the ${onGpu} of the GPU` : '';
    return `fits only when other programs give memory back: ${free}${partly}`;
  }
  if (place === 'memory') return `fits in memory: ${free}`;
  if (place === 'gpu') return `fits on the GPU, which has ${onGpu}${shared ? `; ${free}` : ''}`;
  return `fits partly on the GPU, which has ${onGpu}; the rest in memory: ${free}`;
}

/** Says so where nothing can be said of a GPU yet. */
export function describeUnknownGpu({
  machine,
  fit,
}: Pick<MemoryHere, 'machine' | 'fit'>): string | undefined {
  if (machine.gpu !== undefined) return undefined;
  const what = fit === 'too-large' ? 'A GPU may have room' : 'A GPU is not counted';
  return `${what}: aipg doctor looks whether there is one`;
}

/** The same in a word or two, for a list. */
export function shortFit({ fit, place }: Pick<MemoryHere, 'fit' | 'place'>): string {
  if (fit === 'too-large') return 'no';
  if (fit === 'tight') return 'barely';
  return { gpu: 'on GPU', 'gpu-and-memory': 'partly on GPU', memory: 'in memory' }[place];
}

export function describeMemory(memory: MemoryHere): string {
  const { totalBytes, weightsBytes, contextBytes, computeBytes, contextSize } = memory;
  return (
    `${formatBytes(totalBytes)} at a context of ${contextSize} tokens ` +
    `(weights ${formatBytes(weightsBytes)}, context ${formatBytes(contextBytes)}, computing ${formatBytes(computeBytes)})`
  );
}

/** What a pull will take, before it begins: label and text of each line. */
export function describePlan(plan: PullPlan, memory: MemoryHere): readonly (readonly [string, string])[] {
  const { facts, quant, bytes, missingBytes, isHere, freeBytes, parts } = plan;
  const size = [formatBytes(bytes)];
  if (parts.length > 1) size.push(`${parts.length} parts`);
  if (isHere) size.push('all of it here already');
  else if (missingBytes < bytes) size.push(`${formatBytes(missingBytes)} still to fetch`);
  if (!isHere && freeBytes !== undefined) size.push(`${formatBytes(freeBytes)} free on the disk`);
  return [
    [
      'model',
      `${formatCount(facts.parameters)} parameters, ${oneLine(facts.architecture)}, ${quant ?? 'unknown quant'}`,
    ],
    ['context', facts.contextSize === null ? 'unknown' : `${facts.contextSize} tokens`],
    ['license', oneLine(plan.license ?? 'unknown')],
    ['size', size.join(', ')],
    ['memory', describeMemory(memory)],
    ['', describeFit(memory)],
    ...unknownGpuRow(memory),
  ];
}

/** A row of its own for {@link describeUnknownGpu}, where there is something to say. */
export function unknownGpuRow(memory: MemoryHere): (readonly [string, string])[] {
  const text = describeUnknownGpu(memory);
  return text === undefined ? [] : [['', text]];
}

/** The documented object of `models --json`. */
export function listedJson(listed: ListedModel, machine: MachineMemory) {
  const { model, aliases, facts, quant, bytes, lastUsed } = listed;
  const memory = facts && memoryHere(facts, { fileBytes: bytes }, machine);
  return {
    name: model.name,
    reference: model.form === 'cached' ? `hf:${model.repo}:${model.file}` : model.name,
    aliases,
    bundled: model.form === 'bundled',
    architecture: facts?.architecture ?? null,
    parameters: facts?.parameters ?? null,
    quant: quant ?? null,
    contextSize: facts?.contextSize ?? null,
    bytes,
    parts: model.parts.length,
    memoryBytes: memory?.totalBytes ?? null,
    fit: memory?.fit ?? null,
    place: memory?.place ?? null,
    lastUsed: lastUsed?.toISOString() ?? null,
    path: model.path,
  };
}

/** The documented object of `models show --json`. */
export function detailsJson(details: ModelDetails, memory: MemoryHere) {
  const { facts, lastUsed, ...rest } = details;
  return {
    ...rest,
    path: rest.path ?? null,
    quant: rest.quant ?? null,
    license: rest.license ?? null,
    chatTemplate: rest.chatTemplate ?? null,
    sha256: rest.sha256 ?? null,
    parts: rest.parts.map((part) => ({ ...part, sha256: part.sha256 ?? null })),
    title: facts.title,
    architecture: facts.architecture,
    parameters: facts.parameters,
    contextSize: facts.contextSize,
    layers: facts.layers,
    embeddingLength: facts.embeddingLength,
    vocabulary: facts.vocabulary,
    lastUsed: lastUsed?.toISOString() ?? null,
    memory: memoryJson(memory),
  };
}

export function memoryJson({ fit, place, machine, ...estimate }: MemoryHere) {
  const { gpu = null } = machine;
  return { ...estimate, fit, place, machine: { ...machine, gpu, isGpuKnown: machine.gpu !== undefined } };
}

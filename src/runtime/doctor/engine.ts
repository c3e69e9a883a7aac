import { type Backend, loadBackend } from '../engines/llama/backend.ts';
import { createLlamaEngine } from '../engines/llama/engine.ts';
import { bundledModel } from '../models/bundled.ts';
import { deriveSeed, textInputSchema } from '../protocol/text.ts';
import { type Check, type Finding, fromError, type Machine } from './check.ts';
import { gigabytes } from './units.ts';

/** A question of which the bundled model knows the answer, so that a damaged one is found out. */
const QUESTION = { text: 'What is the capital of France?', answer: /Paris/ };
const KINDS = { cuda: 'CUDA', vulkan: 'Vulkan', metal: 'Metal' } as const;

/** llama.cpp loads, on which device, and the bundled model answers. */
export const engine: Check = {
  subject: 'engine',
  // The first run tries the binary and measures threads.
  limitMs: 60_000,
  find: async (machine, signal) => {
    const backend = await loadBackend(machine.paths.cache);
    const answered = await answer(machine, signal).catch((error: unknown) => fromError('model', error));
    return [await build(backend), ...(await devices(backend, machine)), answered];
  },
};

async function build({ nodeLlamaCpp, llama }: Backend): Promise<Finding> {
  const version = await nodeLlamaCpp.getModuleVersion();
  const { release } = llama.llamaCppRelease;
  const kind = llama.gpu === false ? 'CPU' : KINDS[llama.gpu];
  return {
    subject: 'engine',
    status: 'ok',
    summary: `node-llama-cpp ${version}, llama.cpp ${release}, ${kind} build`,
    facts: {
      nodeLlamaCpp: version,
      llamaCpp: release,
      build: kind.toLowerCase(),
      buildType: llama.buildType,
    },
  };
}

async function devices({ nodeLlamaCpp, llama }: Backend, { env }: Machine): Promise<Finding[]> {
  const subject = 'GPU';
  if (llama.gpu !== false) {
    const [names, memory] = await Promise.all([llama.getGpuDeviceNames(), llama.getVramState()]);
    return [
      {
        subject,
        status: 'ok',
        summary: `${names.join(', ')}: ${gigabytes(memory.free)} free of ${gigabytes(memory.total)}`,
        facts: { used: true, names, freeBytes: memory.free, totalBytes: memory.total },
      },
    ];
  }
  const drivers = (await nodeLlamaCpp.getLlamaGpuTypes('supported')).filter((type) => type !== false);
  const facts = { used: false, names: [], drivers };
  if (env['AIPG_GPU'] === 'off') {
    return [{ subject, status: 'ok', summary: 'not used, as AIPG_GPU=off asks', facts }];
  }
  if (drivers.length === 0)
    return [{ subject, status: 'ok', summary: 'none; models run on the processor', facts }];
  return [
    {
      subject,
      status: 'warning',
      summary: `a driver for ${drivers.map((type) => KINDS[type]).join(' and ')} is there, but no GPU works with it`,
      fix: 'Update the driver of the GPU; until then models run on the processor.',
      facts,
    },
  ];
}

async function answer({ paths }: Machine, signal: AbortSignal): Promise<Finding> {
  const file = bundledModel();
  await using model = await createLlamaEngine().load(file, { slots: 1, cacheDir: paths.cache }, signal);
  const input = textInputSchema.parse({
    prompt: { form: 'chat', messages: [{ role: 'user', content: QUESTION.text }] },
    maxTokens: 32,
    sampling: { temperature: 0 },
    seed: deriveSeed('doctor'),
  });
  let firstAt: number | undefined;
  let text = '';
  let tokens = 0;
  for await (const chunk of model.generate(input, signal)) {
    text += chunk.text;
    // Those that came with the first are the prompt's work.
    if (firstAt !== undefined) tokens += chunk.tokens.length;
    firstAt ??= performance.now();
  }
  const elapsedMs = performance.now() - (firstAt ?? 0);
  const tokensPerSecond = Math.round((1_000 * tokens) / elapsedMs);
  const facts = { name: file.name, tokensPerSecond, threads: model.threads };
  if (!QUESTION.answer.test(text)) {
    return {
      subject: 'model',
      status: 'broken',
      summary: `${file.name} answers nonsense`,
      fix: 'Install aipg again: the model that comes with it is damaged.',
      facts,
    };
  }
  const threads = `${model.threads} ${model.threads === 1 ? 'thread' : 'threads'}`;
  const summary = `${file.name} answers, ${tokensPerSecond} tokens/s with ${threads}`;
  return { subject: 'model', status: 'ok', summary, facts };
}

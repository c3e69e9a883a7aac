import process from 'node:process';
import { BaseCommand } from '../../cli/base-command.ts';
import { formatBytes, paint } from '../../cli/terminal.ts';
import { resolvePaths } from '../../runtime/config/paths.ts';

export default class Models extends BaseCommand {
  static override summary = 'List the models on this machine, with what they are and when they were used.';
  static override description =
    'The bundled model and everything in the Hugging Face cache, whichever tool has put it there.';
  static override examples = [
    '<%= config.bin %> models',
    '<%= config.bin %> models pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    '<%= config.bin %> models show llama',
    '<%= config.bin %> models alias llama hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    '<%= config.bin %> models rm llama',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(Models);
    const paths = resolvePaths();
    const [{ listModels }, { machineMemory }, output] = await Promise.all([
      import('../../runtime/models/list-models.ts'),
      import('../../runtime/models/machine-room.ts'),
      import('../../cli/model-output.ts'),
    ]);
    const { formatAge, formatCount, listedJson, memoryHere, oneLine, shortFit, table } = output;
    const [models, machine] = await Promise.all([
      listModels({ env: process.env, cacheDir: paths.cache, configDir: paths.config }),
      machineMemory(paths.cache, process.env),
    ]);
    if (flags.json) {
      const rows = models.map((model) => listedJson(model, machine));
      process.stdout.write(`${JSON.stringify({ models: rows })}\n`);
      return;
    }
    const now = Date.now();
    const rows = models.map(({ model, aliases, facts, quant, bytes, lastUsed }) => [
      oneLine(model.name),
      facts ? formatCount(facts.parameters) : '?',
      quant ?? '?',
      facts?.contextSize === null || facts === undefined ? '?' : String(facts.contextSize),
      formatBytes(bytes),
      facts ? shortFit(memoryHere(facts, { fileBytes: bytes }, machine)) : '?',
      formatAge(lastUsed, now),
      aliases.join(', '),
    ]);
    const [head = '', ...lines] = table(
      [
        { title: 'NAME' },
        { title: 'PARAMETERS', right: true },
        { title: 'QUANT' },
        { title: 'CONTEXT', right: true },
        { title: 'SIZE', right: true },
        { title: 'FITS' },
        { title: 'LAST USED' },
        { title: 'ALIASES' },
      ],
      rows,
    );
    const { bold } = paint(process.stdout);
    process.stdout.write(`${[bold(head), ...lines].join('\n')}\n`);
  }
}

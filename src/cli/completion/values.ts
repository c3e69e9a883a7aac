import type { Paths } from '../../runtime/config/paths.ts';
import type { Candidate, ValueSource } from './candidates.ts';

interface Machine {
  readonly env: NodeJS.ProcessEnv;
  readonly paths: Paths;
}

/**
 * Where the values of a flag or argument come from, by its name, or by `command name` where the name alone says too
 * little. All are of this machine: completion never goes to the network.
 */
const SOURCES: Readonly<Record<string, (machine: Machine) => Promise<Candidate[]>>> = {
  model: models,
  grid: async (machine) => [
    ...(await profiles(machine)),
    { value: 'local', description: 'Answer in this process.' },
  ],
  of: profiles,
  'grid:use name': profiles,
  'grid:rm name': profiles,
  template: templates,
  'templates:show name': templates,
  chat: chats,
  'chat name': chats,
  conversation: chats,
  replay: loggedJobs,
  'logs:show id': loggedJobs,
  job: async (machine) => (await import('./grid-values.ts')).jobs(machine),
  'jobs:cancel job': async (machine) => {
    const { isUnfinished, jobs } = await import('./grid-values.ts');
    return await jobs(machine, isUnfinished);
  },
};

/** The values of this machine, read and their code loaded only for what is asked. */
export function machineValues(env: NodeJS.ProcessEnv): ValueSource {
  return async (name, command) => {
    const source = SOURCES[`${command} ${name}`] ?? SOURCES[name];
    if (!source) return undefined;
    const { resolvePaths } = await import('../../runtime/config/paths.ts');
    return await source({ env, paths: resolvePaths(env) });
  };
}

async function models({ env, paths }: Machine): Promise<Candidate[]> {
  const [{ modelNames }, { BUNDLED_NAME }, { readRunningGrid }] = await Promise.all([
    import('../../runtime/models/model-names.ts'),
    import('../../runtime/models/reference.ts'),
    import('../../runtime/config/running-grid.ts'),
  ]);
  const found = new Map<string, Candidate>();
  const add = (value: string, description: string) => {
    if (!found.has(value)) found.set(value, { value, description });
  };
  const running = readRunningGrid(paths);
  if (running) add(running.model, 'Served on this machine.');
  for (const name of await modelNames({ env, configDir: paths.config })) {
    add(name, name === BUNDLED_NAME ? 'Comes with aipg, for trying things out.' : 'On this machine.');
  }
  return [...found.values()];
}

async function profiles({ paths }: Machine): Promise<Candidate[]> {
  const { readSettings } = await import('../../runtime/config/settings.ts');
  const { grids } = readSettings(paths);
  // Only the host: a password in the address must not show up on a screen.
  return Object.entries(grids).map(([value, { url }]) => ({ value, description: hostsOf(url) }));
}

function hostsOf(url: string): string {
  return url
    .split(',')
    .map((server) => new URL(server).host)
    .join(', ');
}

async function templates({ paths }: Machine): Promise<Candidate[]> {
  const { listTemplateFiles } = await import('../../runtime/templates/folder.ts');
  const files = await listTemplateFiles(paths);
  return files.map((file) => ({ value: file.replace(/\.ya?ml$/, '') }));
}

async function chats(machine: Machine): Promise<Candidate[]> {
  return await (await import('./logged-values.ts')).chats(machine);
}

async function loggedJobs(machine: Machine): Promise<Candidate[]> {
  return await (await import('./logged-values.ts')).loggedJobs(machine);
}

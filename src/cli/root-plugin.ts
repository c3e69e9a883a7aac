import type { Command, Interfaces } from '@oclif/core';

/** Says, unlike its type, where its file is, from the root. */
type CachedCommand = Command.Cached & { readonly relativePath: readonly string[] };

/** What `oclif manifest` writes at build time: every command as help and completion need it, without its code. */
export interface Manifest {
  readonly version: string;
  readonly commands: Readonly<Record<string, CachedCommand>>;
}

export interface RootPluginOptions {
  /** The folder of package.json. */
  readonly root: string;
  readonly pjson: Interfaces.PJSON;
  readonly manifest: Manifest;
  /** Imports the module of a command by its path from the root, with `/`. */
  readonly importCommand: (path: string) => Promise<{ readonly default: Command.Class }>;
}

/**
 * The program as oclif's root plugin, straight from the manifest. oclif would make the same of it by looking through
 * folders, reading package files and sorting by the rules of the user's language, which takes a third of its start.
 */
export function rootPlugin({ root, pjson, manifest, importCommand }: RootPluginOptions): Interfaces.Plugin {
  const { name, version } = pjson;
  const load = async (id: string): Promise<Command.Class> => {
    const path = manifest.commands[id]?.relativePath.join('/') ?? id;
    const { default: command } = await importCommand(path);
    command.id = id;
    command.plugin = plugin;
    return command;
  };
  const commands = Object.entries(manifest.commands).map(([id, cached]) => ({
    ...cached,
    pluginAlias: name,
    pluginType: 'core',
    load: () => load(id),
  }));
  const plugin: Interfaces.Plugin = {
    _base: name,
    alias: name,
    name,
    version,
    root,
    pjson,
    type: 'core',
    moduleType: 'module',
    isRoot: true,
    valid: true,
    hasManifest: true,
    options: { root },
    commandsDir: undefined,
    commandIDs: Object.keys(manifest.commands),
    commands,
    hooks: hooksOf(pjson),
    topics: topicsOf(pjson),
    findCommand: (id: string) => load(id),
    load: async () => undefined,
  };
  return plugin;
}

function topicsOf({ oclif }: Interfaces.PJSON): Interfaces.Topic[] {
  const topics = (oclif.topics ?? {}) as Record<string, Omit<Interfaces.Topic, 'name'>>;
  return Object.entries(topics).map(([name, facts]) => ({ ...facts, name }));
}

function hooksOf({ oclif }: Interfaces.PJSON): Interfaces.Plugin['hooks'] {
  const hooks = (oclif.hooks ?? {}) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(hooks).map(([event, target]) => [event, [{ identifier: 'default', target }]]),
  );
}

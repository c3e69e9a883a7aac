/** What completion reads of `oclif.manifest.json`, which the build writes, and of package.json. */
export interface ProgramFacts {
  readonly commands: Readonly<Record<string, CommandFacts>>;
  readonly topics: Readonly<Record<string, { readonly description?: string }>>;
}

export interface CommandFacts {
  readonly summary?: string;
  readonly hidden?: boolean;
  readonly args: Readonly<Record<string, ArgFacts>>;
  readonly flags: Readonly<Record<string, FlagFacts>>;
}

export interface ArgFacts {
  readonly name: string;
  readonly options?: readonly string[];
  readonly multiple?: boolean;
  readonly helpValue?: string;
}

export interface FlagFacts extends ArgFacts {
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly allowNo?: boolean;
  readonly hidden?: boolean;
  readonly summary?: string;
  readonly description?: string;
}

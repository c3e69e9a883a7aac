import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Check, Finding, Machine } from './check.ts';

/** Where each shell reads its settings, below the home folder, and what makes it complete aipg. */
const SHELLS: Readonly<Record<string, { readonly files: readonly string[]; readonly install: string }>> = {
  bash: {
    files: ['.bashrc', '.bash_profile', '.local/share/bash-completion/completions/aipg'],
    install: "echo 'source <(aipg completion bash)' >> ~/.bashrc",
  },
  zsh: {
    files: ['.zshrc', '.zprofile', '.zfunc/_aipg'],
    install: "echo 'source <(aipg completion zsh)' >> ~/.zshrc",
  },
  fish: {
    files: ['.config/fish/completions/aipg.fish', '.config/fish/config.fish'],
    install: 'aipg completion fish > ~/.config/fish/completions/aipg.fish',
  },
};
const INSTALLED = /aipg completion|completion for aipg/;

/** The terminal and what the shell knows of aipg. */
export const shell: Check = {
  subject: 'shell',
  limitMs: 5_000,
  find: async (machine) => [terminal(machine), ...(await completion(machine))],
};

function terminal({ env, isTerminal }: Machine): Finding {
  const term = env['TERM'];
  const facts = { term: term ?? null, isTerminal, noColor: Boolean(env['NO_COLOR']) };
  const subject = 'terminal';
  if (!isTerminal)
    return { subject, status: 'ok', summary: 'the output is not a terminal: plain text', facts };
  if (env['NO_COLOR'])
    return { subject, status: 'ok', summary: `${term}, without colour by NO_COLOR`, facts };
  if (term !== undefined && term !== 'dumb') return { subject, status: 'ok', summary: term, facts };
  return {
    subject,
    status: 'warning',
    summary: `TERM is ${term ?? 'not set'}: no colour and no progress bars`,
    fix: 'Set it to what your terminal is, such as xterm-256color.',
    facts,
  };
}

async function completion({ env, home }: Machine): Promise<Finding[]> {
  const name = basename(env['SHELL'] ?? '');
  const known = SHELLS[name];
  if (!known) return [];
  const texts = await Promise.all(
    known.files.map((file) => readFile(join(home, file), 'utf8').catch(() => '')),
  );
  const installed = texts.some((text) => INSTALLED.test(text));
  const facts = { shell: name, installed };
  if (installed) return [{ subject: 'completion', status: 'ok', summary: `installed for ${name}`, facts }];
  return [
    {
      subject: 'completion',
      status: 'warning',
      summary: `not installed for ${name}`,
      fix: `So that Tab completes commands and models: ${known.install}`,
      facts,
    },
  ];
}

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AipgError } from '../protocol/errors.ts';

/** The `~` of a path, by the environment given, so that tests and services can move it. */
export function expandHome(path: string, env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] || homedir();
  return path === '~' ? home : path.replace(/^~(?=[/\\])/, () => home);
}

/** The folder of the Hugging Face cache, by the variables that its own tools read. */
export function hubCacheDir(env: NodeJS.ProcessEnv): string {
  const folder = env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'];
  return folder ? resolve(expandHome(folder, env)) : join(hubHome(env), 'hub');
}

/** The hub's address without a slash at the end. @throws AipgError `usage` when HF_ENDPOINT is no HTTP URL */
export function hubEndpoint(env: NodeJS.ProcessEnv): string {
  const endpoint = (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new AipgError('usage', `HF_ENDPOINT is no HTTP address: ${endpoint}`, {
      hint: 'Give one such as https://huggingface.co, or unset it.',
    });
  }
  return endpoint;
}

/** HF_TOKEN, else what `hf auth login` has written. */
export async function hubToken(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const token = env['HF_TOKEN']?.trim();
  if (token) return token;
  const file = env['HF_TOKEN_PATH'];
  const path = file ? expandHome(file, env) : join(hubHome(env), 'token');
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/** Whether the user forbids going to the hub. */
export function isHubOffline(env: NodeJS.ProcessEnv): boolean {
  return /^(?:1|on|yes|true)$/i.test(env['HF_HUB_OFFLINE'] ?? '');
}

function hubHome(env: NodeJS.ProcessEnv): string {
  const home = env['HF_HOME'];
  if (home) return resolve(expandHome(home, env));
  const cache = env['XDG_CACHE_HOME'];
  return join(cache ? resolve(expandHome(cache, env)) : join(expandHome('~', env), '.cache'), 'huggingface');
}

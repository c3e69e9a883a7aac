/** Keys of OpenAI's request body that mean what one of ours means. */
const NAMES: Readonly<Record<string, string>> = {
  model: 'model',
  messages: 'messages',
  max_tokens: 'maxTokens',
  max_completion_tokens: 'maxTokens',
  temperature: 'temperature',
  top_p: 'topP',
  seed: 'seed',
  stop: 'stop',
  metadata: 'metadata',
};

const URL = '/v1/chat/completions';

/** Whether a line is in the form of OpenAI's batches: `{custom_id, method, url, body}`. */
export function isOpenAi(line: Record<string, unknown>): boolean {
  return 'custom_id' in line && 'body' in line;
}

/** The same line in our form. @param refuse what to throw of a line that asks for something else */
export function fromOpenAi(
  line: Record<string, unknown>,
  refuse: (what: string, hint?: string) => never,
): Record<string, unknown> {
  const { custom_id: id, url = URL, body } = line;
  if (url !== URL) refuse(`asks for ${JSON.stringify(url)}`, `Only ${URL} is answered.`);
  if (typeof body !== 'object' || body === null) return refuse('has a body that is not an object');
  const request: Record<string, unknown> = { id };
  for (const [key, value] of Object.entries(body)) {
    const name = NAMES[key];
    if (name === undefined) refuse(`asks for ${JSON.stringify(key)}, which is not known here`);
    else if (value !== null) request[name] = value;
  }
  return request;
}

import type { ModelFile, Sha256 } from '../../protocol/model.ts';
import { loadBackend, loadNodeLlamaCpp } from './backend.ts';
import { chatTemplate } from './chat-template.ts';
import { vocabularySize } from './known-tokens.ts';
import { checkModelFile, invalid } from './model-file.ts';
import { type Delivered, type Recount, recount, type Vocabulary } from './recount.ts';

/** Vocabularies kept: each takes some tens of megabytes. */
const MOST_KEPT = 4;

/** Counts tokens by models' vocabularies, which are loaded without the weights when first needed. */
export class Vocabularies implements AsyncDisposable {
  readonly #cacheDir: string;
  readonly #kept = new Map<Sha256, Promise<Vocabulary>>();
  readonly #leaving = new Set<Promise<void>>();

  /** @param cacheDir where it is kept what this machine has passed */
  constructor(cacheDir: string) {
    this.#cacheDir = cacheDir;
  }

  /** How many are loaded, or on their way. */
  get kept(): number {
    return this.#kept.size;
  }

  /**
   * Counts what a model has delivered.
   * @throws AipgError `model-not-found`, `model-invalid` for a file that cannot be read; `internal` without llama.cpp
   */
  recount(file: ModelFile, delivered: Delivered): Promise<Recount> {
    const kept = this.#kept.get(file.sha256) ?? this.#load(file);
    // The one that was used longest ago goes first.
    this.#kept.delete(file.sha256);
    this.#kept.set(file.sha256, kept);
    const [oldest] = this.#kept.keys();
    // A count runs in one go as soon as the vocabulary is there: before a disposal that is asked for later.
    const counted = kept.then((vocabulary) => recount(vocabulary, delivered));
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#drop(oldest);
    return counted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sha256 of [...this.#kept.keys()]) this.#drop(sha256);
    await Promise.all(this.#leaving);
  }

  #load(file: ModelFile): Promise<Vocabulary> {
    const loading = loadVocabulary(file, this.#cacheDir);
    loading.catch(() => {
      if (this.#kept.get(file.sha256) === loading) this.#kept.delete(file.sha256);
    });
    return loading;
  }

  #drop(sha256: Sha256): void {
    const kept = this.#kept.get(sha256);
    this.#kept.delete(sha256);
    const left = kept?.then(
      ({ model }) => model.dispose(),
      () => undefined,
    );
    if (left === undefined) return;
    this.#leaving.add(left);
    void left.finally(() => this.#leaving.delete(left));
  }
}

async function loadVocabulary(file: ModelFile, cacheDir: string): Promise<Vocabulary> {
  await checkModelFile(file, await loadNodeLlamaCpp(cacheDir));
  const { nodeLlamaCpp, llama, takeErrors } = await loadBackend(cacheDir);
  takeErrors();
  const model = await llama.loadModel({ modelPath: file.path, vocabOnly: true }).catch((cause: unknown) => {
    throw invalid(file.path, `has a vocabulary that cannot be loaded: ${takeErrors()[0] ?? cause}`, cause);
  });
  try {
    if (vocabularySize(model) === 0) throw invalid(file.path, 'has no vocabulary');
    return { model, template: chatTemplate(model, nodeLlamaCpp) };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

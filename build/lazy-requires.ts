import type { Plugin } from 'rolldown';

/**
 * Evaluates the CommonJS modules of oclif and NATS when they are first used, as Babel's `lazy` does: a command then
 * starts without help, search in folders, TLS, keys and more, all of which they require up front.
 */
export function lazyRequires(): Plugin {
  return {
    name: 'lazy-requires',
    transform: {
      filter: { id: /\/node_modules\/(@oclif\/core|@nats-io\/[\w-]+)\/lib\/.*\.js$/ },
      handler: (code) => {
        let lazy = code;
        for (const [statement, name = '', value = ''] of code.matchAll(REQUIRE)) {
          lazy = inLazyForm(lazy, statement, name, value);
        }
        return lazy;
      },
    },
  };
}

/** A require as TypeScript writes it: every use of such a constant is `name.member`. */
const REQUIRE =
  /^(?:const|var) (\w+_\d+) = (require\("[^"]+"\)|__import(?:Default|Star)\(require\("[^"]+"\)\));$/gm;

function inLazyForm(code: string, statement: string, name: string, value: string): string {
  const rest = code.replace(statement, '');
  const uses = rest.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0;
  const members = new RegExp(`\\b${name}\\.(?=\\w)`, 'g');
  // Handed on as a whole, or not used but for its effect: left as it is.
  if (uses === 0 || uses !== rest.match(members)?.length) return code;
  const [before = '', after = ''] = code.split(statement);
  // In brackets, for `new name.Class()` to stay the call that it is.
  const called = (part: string) => part.replace(members, `(${name}()).`);
  return `${called(before)}let ${name}_; const ${name} = () => (${name}_ ??= ${value});${called(after)}`;
}

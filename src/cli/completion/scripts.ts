export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell has to run to complete the words of a program by asking it; see `complete.ts` for what it answers. */
export function completionScript(shell: Shell, program: string): string {
  return SCRIPTS[shell].replaceAll('PROGRAM', program).trimStart();
}

/**
 * Works with bash 3.2, which macOS has, and without the bash-completion package. What was typed is handed on as it is
 * and never evaluated.
 */
const BASH = String.raw`
# bash completion for PROGRAM
_PROGRAM() {
  local line=${'$'}{COMP_LINE:0:COMP_POINT} words=() count=0 i word
  # bash splits a word at each : and =; put together again what was typed without a space between.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${'$'}{COMP_WORDS[i]}
    # Of the word under the cursor, what is before the cursor.
    ((i == COMP_CWORD)) && word=${'$'}{line#"${'$'}{line%%[![:space:]]*}"}
    if ((count > 0)) && [[ ${'$'}line != [[:space:]]* ]]; then
      words[count - 1]+=${'$'}word
    else
      words[count]=${'$'}word
      ((count += 1))
    fi
    line=${'$'}{line#"${'$'}{line%%[![:space:]]*}"}
    line=${'$'}{line#"${'$'}word"}
  done
  local current=${'$'}{words[count - 1]} quote='' before=''
  if [[ ${'$'}current == [\"\']* ]]; then
    quote=${'$'}{current:0:1}
    current=${'$'}{current:1}
  fi
  # bash replaces only what comes after the last : or = of a word that is not in quotes.
  if [[ -z ${'$'}quote ]]; then
    if [[ ${'$'}current == *:* && ${'$'}COMP_WORDBREAKS == *:* ]]; then
      before=${'$'}{current%"${'$'}{current##*:}"}
    elif [[ ${'$'}current == *=* && ${'$'}COMP_WORDBREAKS == *=* ]]; then
      before=${'$'}{current%"${'$'}{current##*=}"}
    fi
  fi
  local candidate description kind=''
  COMPREPLY=()
  while IFS=${'$'}'\t' read -r candidate description; do
    if [[ -z ${'$'}kind ]]; then
      kind=${'$'}candidate
      continue
    fi
    [[ -n ${'$'}quote ]] || printf -v candidate %q "${'$'}candidate"
    # One that does not begin as what bash keeps cannot take its place.
    [[ ${'$'}candidate == "${'$'}before"* ]] && COMPREPLY+=("${'$'}{candidate#"${'$'}before"}")
  done < <(PROGRAM __complete "${'$'}{words[@]:1:count-2}" "${'$'}current" 2>/dev/null)
  if [[ ${'$'}kind == files && ${'$'}{#COMPREPLY[@]} -eq 0 ]]; then
    if type compopt &>/dev/null; then
      compopt -o default
    else
      while IFS= read -r candidate; do COMPREPLY+=("${'$'}candidate"); done < <(compgen -f -- "${'$'}{current#"${'$'}before"}")
    fi
  fi
}
complete -F _PROGRAM PROGRAM
`;

const ZSH = String.raw`
#compdef PROGRAM
# zsh completion for PROGRAM
_PROGRAM() {
  local -a lines described typed
  local line value
  typed=("${'$'}{(@Q)words[2,CURRENT-1]}")
  lines=("${'$'}{(@f)${'$'}(PROGRAM __complete "${'$'}{typed[@]}" "${'$'}{(Q)PREFIX}" 2>/dev/null)}")
  for line in "${'$'}{(@)lines[2,-1]}"; do
    value=${'$'}{line%%${'$'}'\t'*}
    described+=("${'$'}{value//:/\\:}:${'$'}{line#*${'$'}'\t'}")
  done
  if ((${'$'}#described)); then
    # The program has matched them already, also by a part of a name.
    _describe -t candidates PROGRAM described -U
  elif [[ ${'$'}{lines[1]} == files ]]; then
    compset -P '*='
    _files
  fi
}
# Called by zsh when it has found this file on its fpath; registered where it is read by source or eval.
if [[ ${'$'}{funcstack[1]} == _PROGRAM ]]; then
  _PROGRAM "${'$'}@"
else
  (( ${'$'}+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _PROGRAM PROGRAM
fi
`;

const FISH = String.raw`
# fish completion for PROGRAM
function __PROGRAM_complete
    set -l typed (commandline -opc)
    # Without the quote that it may begin with: fish puts one again.
    set -l current (string replace -r -- '^["\']' '' (commandline -ct))
    set -l lines (PROGRAM __complete ${'$'}typed[2..-1] "${'$'}current" 2>/dev/null)
    printf '%s\n' ${'$'}lines[2..-1]
    if test "${'$'}lines[1]" = files
        set -l before (string match -r -- '^-[^=]*=' "${'$'}current")
        for file in (__fish_complete_path (string replace -- "${'$'}before" '' "${'$'}current"))
            echo "${'$'}before${'$'}file"
        end
    end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

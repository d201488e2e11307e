/** The scripts that shells load. Each passes on the words of the line, and shows what comes back; what there is to complete is known by procman alone. */

const BASH = `# bash completion of procman. Load it by: source <(procman completion bash)
_procman() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=() count=0 index word
  # Bash splits words at = and :, which belong to them here.
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if ((count > 0)) && [[ $word == [=:]* || \${words[count - 1]} == *[=:] && \${COMP_WORDS[index - 1]} == [=:]* ]]; then
      words[count - 1]+=$word
    else
      words[count]=$word
      ((count++))
    fi
  done
  [[ $current == [=:] ]] && current=''
  local before=\${words[count - 1]%"$current"} line value
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      ':files '*)
        compopt -o filenames 2>/dev/null
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$current")
        ;;
      ':directories '*)
        compopt -o filenames 2>/dev/null
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -d -- "$current")
        ;;
      ':commands '*)
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -c -- "$current")
        ;;
      *)
        value=\${line%%$'\\t'*}
        COMPREPLY+=("\${value#"$before"}")
        ;;
    esac
  done < <("$1" __complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _procman procman
`

const ZSH = `#compdef procman
# zsh completion of procman: a file _procman in a directory of $fpath. Or load it by: source <(procman completion zsh)
_procman() {
  local -a described
  local line value prefix
  for line in "\${(@f)$("$words[1]" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      ':files '*) prefix=\${line#:files }; compset -P "\${(b)prefix}"; _files ;;
      ':directories '*) prefix=\${line#:directories }; compset -P "\${(b)prefix}"; _files -/ ;;
      ':commands '*) _command_names -e; _files ;;
      *)
        value=\${line%%$'\\t'*}
        described+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
        ;;
    esac
  done
  (( $#described )) && _describe -V procman described
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _procman "$@"
elif (( $+functions[compdef] )); then
  compdef _procman procman
fi
`

const FISH = `# fish completion of procman. Load it by: procman completion fish | source
function __procman_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        set -l parts (string split -m 1 ' ' -- $line)
        set -l prefix "$parts[2]"
        switch $line
            case ':files *'
                __fish_complete_path (string replace -- "$prefix" '' "$current") | string replace -r '^' -- "$prefix"
            case ':directories *'
                __fish_complete_directories (string replace -- "$prefix" '' "$current") | string replace -r '^' -- "$prefix"
            case ':commands *'
                complete -C "$current"
            case '*'
                echo $line
        end
    end
end
complete -c procman -f -k -a '(__procman_complete)'
`

export function scriptFor(shell: 'bash' | 'zsh' | 'fish'): string {
  switch (shell) {
    case 'bash':
      return BASH
    case 'zsh':
      return ZSH
    case 'fish':
      return FISH
  }
}

#compdef {{program}}
# Completes the command lines of {{program}} in zsh. The program itself says which words can stand where the cursor
# is: 'word:help' a line, then ':no-blank' and those that no blank follows; ':files' alone has zsh offer files.
_{{program}}_completion() {
    local word program=${${(Q)words[1]}/#'~/'/$HOME/} goes_on=
    local -a told open
    while IFS= read -r word; do
        case $word in
            :files) _files; return ;;
            :no-blank) goes_on=1 ;;
            *) if [[ -n $goes_on ]]; then open+=("$word"); else told+=("$word"); fi ;;
        esac
    done < <({{shell}}=zsh {{line}}="${(j: :)words[1,CURRENT-1]} $PREFIX" "$program" </dev/null 2>/dev/null)
    (( $#told )) && _describe -V '{{program}}' told
    (( $#open )) && compadd -S '' -a open
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _{{program}}_completion "$@"
else
    compdef _{{program}}_completion {{program}}
fi

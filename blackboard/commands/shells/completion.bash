# Completes the command lines of {{program}} in bash. The program itself says which words can stand where the cursor
# is, one a line; ':files' has bash offer files, and ':no-blank' leaves the blank behind a word to the words.
_{{program}}_completion() {
    local word program=${1/#'~/'/"$HOME/"}
    COMPREPLY=()
    while IFS= read -r word; do
        case $word in
            :files) compopt -o default 2>/dev/null ;;
            :no-blank) compopt -o nospace 2>/dev/null ;;
            *) COMPREPLY+=("$word") ;;
        esac
    done < <({{shell}}=bash {{line}}="${COMP_LINE:0:COMP_POINT}" {{part}}="$2" "$program" </dev/null 2>/dev/null)
}
complete -o nosort -F _{{program}}_completion {{program}} 2>/dev/null || complete -F _{{program}}_completion {{program}}

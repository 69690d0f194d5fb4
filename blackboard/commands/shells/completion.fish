# Completes the command lines of {{program}} in fish. The program itself says which words can stand where the cursor
# is: the word, a tab and its help, one a line; ':files' alone has fish offer files.
function __{{program}}_completion
    set -l program (commandline -opc | string match -v -r '^[A-Za-z_][A-Za-z0-9_]*=')[1]
    set program (string replace -r '^~/' "$HOME/" -- $program)
    set -l line (commandline -cp | string collect)
    set -l words (env {{shell}}=fish {{line}}="$line" $program </dev/null 2>/dev/null)
    if test "$words[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        string join -- \n $words
    end
end
complete --command {{program}} --no-files --keep-order --arguments '(__{{program}}_completion)'

"""Users of embedded servers that die step by step; told what to do by lines on the standard input.

``user N DIR`` is a process that joins the server in DIR, leaves, and is killed before the N-th line of that;
``keeper N DIR`` is one whose keeper is.  Each is answered by ``killed`` or the number of lines.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from blackboard import embedded, locks, server_binary, server_directory
from blackboard.embedded import EmbeddedServer
from tests.faults import dying

FILES = [str(module.__file__) for module in (embedded, locks, server_binary, server_directory)]


def use(directory: Path, last: int) -> str:
    """Join and leave; dies before line ``last``, else tells how many there were."""
    lines = dying.Lines(FILES, last)
    lines.watch()
    EmbeddedServer.join(directory).close()
    sys.settrace(None)
    return str(lines.count)


def use_with_dying_keeper(directory: Path, last: int) -> str:
    """Join and leave, with a keeper that dies before its line ``last``; the keeper after it lives."""
    python = sys.executable
    stand_in = directory.with_suffix(".python")
    # It is called as `python -I -S keeper.py …`.
    stand_in.write_text(
        "#!/bin/sh\n"
        f'mkdir "$0.called" 2>/dev/null || exec "{python}" "$@"\n'
        f'shift 2\nexec "{python}" -I -S "{dying.__file__}" {last} "$@"\n'
    )
    stand_in.chmod(0o700)
    sys.executable = str(stand_in)
    server = EmbeddedServer.join(directory)
    sys.executable = python
    server.close()
    return "0"


def main() -> None:
    for line in sys.stdin:
        who, number, path = line.rstrip("\n").split(" ", 2)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            said = (use if who == "user" else use_with_dying_keeper)(Path(path), int(number))
            os.write(writing, said.encode())
            os._exit(0)
        os.close(writing)
        os.waitpid(pid, 0)
        said = os.read(reading, 65536).decode()
        os.close(reading)
        sys.stdout.write((said or "killed") + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

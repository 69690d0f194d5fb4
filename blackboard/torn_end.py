"""What a power loss leaves at the end of an append-only file: the beginning of a transaction.

A server with ``aof-load-truncated yes`` cuts off the last command where it breaks off, and leaves the beginning of
the transaction that it belongs to.  It ignores that; the next start applies it, together with what was appended to
it meanwhile: a commit by halves (https://github.com/valkey-io/valkey/pull/4342).  With ``no`` a server refuses to
start, and its own checking program cuts off the whole transaction.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from blackboard.server_binary import ServerBinary

TORN = "Unexpected end of file reading the append only file"
"""what a server with ``aof-load-truncated no`` logs last where it refuses to start for this"""


def cut_torn_end(binary: ServerBinary, directory: Path) -> str:
    """Cut an unfinished transaction off the end of what ``directory`` stores; returns what the program said.

    No server may run there.  Only where a server said :data:`TORN`: what is damaged in the middle would be cut there.
    """
    manifest = directory / "appendonlydir" / "appendonly.aof.manifest"
    file = manifest if manifest.exists() else directory / "appendonly.aof"
    # A server's program is its checking program, too, where it is called by that name.
    checked = subprocess.run(  # noqa: S603
        [f"{binary.version.product}-check-aof", "--fix", file],
        executable=binary.path,
        input="y\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return checked.stdout + checked.stderr

"""``python -m tests.model.again FILE``: take the steps of a saved scene again, on a server of its own."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.model.scene import World
from tests.model.steps import Steps
from tests.own_server import OwnServer

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER = ("--appendfsync", "always", "--auto-aof-rewrite-min-size", "4mb")
"""settings of a server that loses nothing it answered, and whose file stays short enough to restart from"""


def take(world: World, steps: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Take ``steps`` in a new scene of ``world``; raises what the first that fails raises."""
    scene = Steps(world)
    try:
        for name, what in steps:
            scene.step(name, **what)
    except BaseException:
        scene.leave()
        raise
    scene.finish()


def main(path: str) -> None:
    """Take the scene at ``path`` and say that nothing failed, if so."""
    saved = json.loads(Path(path).read_text(encoding="utf-8"))
    with ExitStack() as stack:
        server = stack.enter_context(OwnServer(*SERVER)) if saved["kind"] == "server" else None
        take(stack.enter_context(World(server)), saved["steps"])
    sys.stdout.write(f"{len(saved['steps'])} steps: the board does what the model says\n")


if __name__ == "__main__":
    main(sys.argv[1])

"""``python -m tests.docs_walk [NAME…]``: film the walk of docs/walk.md anew, in a real terminal on a private server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from blackboard.board import Board
from blackboard.errors import BlackboardError
from tests.docs_pictures import FOLDER
from tests.filmed import Film
from tests.own_server import OwnServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES: Final = 300_000
READ_S: Final = 2.0
"""for what is to be read"""
BLACKBOARD: Final = [sys.executable, "-m", "blackboard"]
RUN: Final = [*BLACKBOARD, "run", "process_return", "--quiet"]
BOARD: Final = "process_return@1"


def twice(environment: Mapping[str, str]) -> None:
    """Two agents refund one return where nothing guards it, and one of them where something does."""
    with Film(environment, 110, 28) as film:
        for command, last in (("--set guard=off ", "payment/R-7/"), ("", "obviated")):
            film.type(f"blackboard run double_refund {command}--quiet")
            film.terminal.wait_for("Board: double_refund@")
            film.look(READ_S)
            film.type("blackboard watch --view log")
            film.terminal.wait_for("read-only")
            film.type("/R-7")
            film.terminal.wait_for(last)
            film.look(2 * READ_S)
            film.terminal.send("q")
            film.terminal.wait_until_gone("read-only")
            film.terminal.write("clear\n")
        film.write(FOLDER / "walk-refund", "double_refund, its guard off and on")


def killed(environment: Mapping[str, str]) -> None:
    """A run is killed in its middle and taken up by another process; the viewer stays."""
    everything = {**os.environ, **environment}
    first = subprocess.Popen([*RUN, "--pause"], env=everything, stdout=subprocess.DEVNULL)
    asyncio.run(until(environment, "return/*", 200))
    with Film(environment, 110, 26, every_s=1.2) as film:
        film.type(f"blackboard watch --view log --board {BOARD}")
        film.terminal.wait_for("led by")
        film.look(READ_S)
        subprocess.run([*BLACKBOARD, "resume", "--board", BOARD], env=everything, stdout=subprocess.DEVNULL, check=True)
        asyncio.run(until(environment, "payment/*", 20))
        first.send_signal(signal.SIGKILL)
        first.wait()
        film.terminal.wait_for("nobody leads")
        film.look(READ_S)
        second = subprocess.Popen([*RUN, "--resume", "--board", BOARD], env=everything, stdout=subprocess.DEVNULL)
        film.terminal.wait_for("led by")
        film.terminal.wait_for("awaiting")
        film.look(READ_S)
        assert second.wait() == 0
        film.write(FOLDER / "walk-resume", "process_return, killed and resumed")


def why(environment: Mapping[str, str]) -> None:
    """Why a refund was paid as store credit."""
    subprocess.run(RUN, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
    with Film(environment, 110, 30) as film:
        film.type("blackboard watch --view log")
        film.terminal.wait_for("read-only")
        film.look(READ_S)
        film.type(":payment/R-1004")
        film.terminal.wait_for("store credit")
        film.look(READ_S)
        film.terminal.write("w")
        film.terminal.wait_for("chosen at revision")
        for _ in range(28):
            film.terminal.write("j")
            film.look(0.1)
        film.look(READ_S)
        film.terminal.send("q")
        film.terminal.wait_until_gone("read-only")
        film.terminal.write("clear\n")
        film.type("blackboard why payment/R-1004 | head -n 8")
        film.terminal.wait_for("it ordered decide")
        film.write(FOLDER / "walk-why", "why a refund was paid as store credit")


WALKS: Final[dict[str, Callable[[Mapping[str, str]], None]]] = {"refund": twice, "resume": killed, "why": why}


async def until(environment: Mapping[str, str], pattern: str, least: int) -> None:
    """Return once so many records of the run match ``pattern``."""
    found = 0
    async with asyncio.timeout(30):
        while found < least:
            with contextlib.suppress(BlackboardError):  # as long as the board is not there
                async with await Board.open(environment["BLACKBOARD_URL"], BOARD, create=False) as board:
                    found = len(await board.find(pattern))
            await asyncio.sleep(0.01)


def walk(*names: str) -> None:
    """Film the walks ``names``, or all, each on a server of its own."""
    for name in names or WALKS:
        with OwnServer(appendonly=False) as server, tempfile.TemporaryDirectory() as home:
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            WALKS[name]({"BLACKBOARD_URL": server.url, "XDG_CONFIG_HOME": home, "TZ": "UTC", "PATH": path})
    for kept in sorted(FOLDER.glob("walk-*")):
        assert kept.stat().st_size < MOST_BYTES, f"{kept} has {kept.stat().st_size:,} bytes"
        sys.stdout.write(f"{kept.name}: {kept.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    walk(*sys.argv[1:])

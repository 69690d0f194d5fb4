"""The traffic of a board in a process of its own, which can be stopped and let go on."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import _die_with_parent
from tests.proof.history import History
from tests.proof.saved import ROOT
from tests.proof.writers import WriterProcess
from tests.proxy.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence


class OtherProcess(WriterProcess):
    """:class:`Traffic` with one board of writers, until :meth:`finish` or its parent's end."""

    def __init__(self, url: str, board: str, client: str, seed: int, journal: Path) -> None:
        self.journal = journal
        self.client = client
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.proxy.other_process", url, board, client, str(seed), journal],
            stdin=subprocess.PIPE,
            cwd=ROOT,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one that stands still does not see that its stdin is closed
        )

    def stop(self) -> None:
        """Not one instruction of it is done until :meth:`go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


async def _use(url: str, name: str, client: str, seed: int, history: History) -> None:
    end = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), end.set)  # it is closed, by whatever
    chance = random.Random(seed)
    async with Traffic(url, name, history, chance, prefix=f"{client}-", writing_boards=1) as traffic:
        await end.wait()
        traffic.enough.set()
        await traffic.written()
        await traffic.read_up_to(await traffic.boards[-1].revision())


def main(arguments: Sequence[str]) -> None:
    """``URL BOARD CLIENT SEED JOURNAL``: use the board until stdin is closed."""
    url, name, client, seed, journal = arguments
    with Path(journal).open("a", encoding="utf-8") as file:
        asyncio.run(_use(url, name, client, int(seed), History(journal=file)))


if __name__ == "__main__":
    main(sys.argv[1:])

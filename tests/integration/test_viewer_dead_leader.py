"""A leader that was killed is not shown as one that leads, though its record still says so."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from controller.viewer.headline import headline
from controller.viewer.line import plain
from controller.viewer.watching import Watch
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.board import Board


@pytest.fixture
def run(redis_url: str, board_name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run that waits."""
    words = ["run", "process_return", "--quiet", "--pause", "--url", redis_url, "--board", board_name]
    process = subprocess.Popen([sys.executable, "-m", "blackboard", *words], stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


async def test_who_was_killed_leads_no_more(board: Board, run: subprocess.Popen[bytes]) -> None:
    async with Watch.begin(board) as watch:

        def said() -> str:
            model = watch.model
            return plain(headline(model, 0, 200, silent_s=0, moment=None, hidden=None, writable=False))

        await eventually(lambda: watch.model.leader and watch.model.agenda is not None, "it leads", 30)
        member = watch.model.leader
        assert f"led by {member}" in said()
        run.send_signal(signal.SIGKILL)
        run.wait()
        await eventually(lambda: not watch.model.leader, "it leads no more", 30)
        assert "nobody leads" in said()
        assert watch.model.recorded_leader == member
        assert watch.model.agenda is None or "told_from" in watch.model.agenda

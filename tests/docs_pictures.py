"""``python -m tests.docs_pictures``: draw the pictures of the docs anew, of a run of process_return on a private server."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from blackboard.board import Board
from blackboard.cli import main
from tests.own_server import OwnServer

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
BOARD: Final = "process_return@1"
OVERRULED: Final = "payment/R-1004"
"""the refund whose bank is too slow: boss decides in the gateway's place"""
CASE: Final = "/,type R-1004,enter"
"""the Board with the records of that case alone"""


def draw() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    with OwnServer(appendonly=False) as server:
        os.environ |= {"BLACKBOARD_URL": server.url, "TZ": "UTC"}
        _do("run", "process_return", "--quiet")
        decided = asyncio.run(_decided(server.url))
        _picture("board.svg", "140x42", CASE, moment=str(decided))
        _picture("light.svg", "140x42", CASE, moment=str(decided), theme="textual-light")
        _picture("why.svg", "120x40", f":,type {OVERRULED},enter,w" + ",j" * 21)
        _picture("agenda.svg", "120x28", "z" + ",j" * 32, moment=str(decided - 1_500), view="agenda")


async def _decided(url: str) -> int:
    """The revision at which the payment was written in the gateway's place."""
    async with await Board.open(url, BOARD) as board:
        record = await board.get(OVERRULED)
        assert record is not None
        return record.revision


def _picture(
    name: str, size: str, keys: str, *, moment: str = "", view: str = "board", theme: str = "textual-dark"
) -> None:
    words = ["--board", BOARD, "--size", size, "--press", keys, "--view", view, "--theme", theme]
    _do("watch", "--picture", str(FOLDER / name), *words, *(["--at", moment] if moment else []))


def _do(*words: str) -> None:
    code = main(list(words))
    if code:
        raise SystemExit(f"blackboard {' '.join(words)}: exit code {code}")


if __name__ == "__main__":
    draw()
    sys.stdout.write("".join(f"{path.name}: {path.stat().st_size:,} bytes\n" for path in sorted(FOLDER.glob("*.svg"))))

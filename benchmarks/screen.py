"""The viewer on a terminal while a board changes: processor time, and how soon a key is answered."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.server import private_server
from benchmarks.table import percentile
from blackboard.board import Board
from blackboard.commit import Put
from blackboard.server_binary import find_server
from controller.viewer.app.viewer_app import ViewerApp
from controller.viewer.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.server import PrivateServer

SIZE = (160, 48)
RATES = (10, 500, 1_000)
KEYS = 10
NAME = "seen"
PATIENCE_S = 30.0
BATCH = 500


class Seen(NamedTuple):
    """A viewer at work: its share of a core, and how long it took to answer each key."""

    changes_s: float
    cpu: float
    keys_ms: list[float]


class Terminal:
    """A viewer in a process of its own on a pseudo-terminal, whose picture is thrown away but for what is waited for."""

    def __init__(self, url: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        words = [sys.executable, "-m", "blackboard", "watch", "--url", url, "--board", NAME]
        self._process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)  # noqa: S603  ourselves
        os.close(theirs)

    def wait_for(self, text: str) -> float:
        """Read until ``text`` is drawn; returns when that was."""
        wanted, seen, deadline = text.encode(), b"", time.perf_counter() + PATIENCE_S
        while wanted not in seen:
            assert time.perf_counter() < deadline, f"the viewer never drew {text!r}"
            if select.select([self._ours], [], [], 0.2)[0]:
                seen = seen[-256:] + os.read(self._ours, 1 << 16)
        return time.perf_counter()

    def press(self, key: str, text: str) -> float:
        """Milliseconds from ``key`` until ``text`` is drawn."""
        began = time.perf_counter()
        os.write(self._ours, key.encode())
        return (self.wait_for(text) - began) * 1000

    def watch(self, seconds: float) -> float:
        """Read what is drawn for ``seconds``; the share of a core that the viewer had meanwhile."""
        before, began = self._cpu_s(), time.perf_counter()
        while (left := began + seconds - time.perf_counter()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                os.read(self._ours, 1 << 16)
        return (self._cpu_s() - before) / (time.perf_counter() - began)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _cpu_s(self) -> float:
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123  no file
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _terminal(url: str) -> Iterator[Terminal]:
    terminal = Terminal(url)
    try:
        yield terminal
    finally:
        terminal.close()


def see(server: PrivateServer, rate: int, seconds: float, keys: int) -> Seen:
    """A viewer while another process makes ``rate`` changes a second, for ``seconds`` and while ``keys`` are pressed."""
    asyncio.run(fill(server.url, 1_000))
    writer = subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-m", "benchmarks.writer", server.url, NAME, str(rate)], stdout=subprocess.PIPE
    )
    try:
        with _terminal(server.url) as terminal:
            terminal.wait_for("quit")
            terminal.watch(2.0)
            before, began = asyncio.run(_revision(server.url)), time.perf_counter()
            cpu = terminal.watch(seconds)
            changes_s = (asyncio.run(_revision(server.url)) - before) / (time.perf_counter() - began)
            times = []
            for _ in range(keys):
                times.append(terminal.press("?", "Help ·"))
                times.append(terminal.press("1", "Board ·"))
    finally:
        writer.kill()
        writer.wait()
    return Seen(changes_s, cpu, times)


async def fill(url: str, count: int) -> None:
    """Put ``count`` records on the board, in ten regions."""
    async with await Board.open(url, NAME, author="filler") as board:
        for first in range(0, count, BATCH):
            await board.commit(
                (),
                [Put(f"region{n % 10}/{n}", {"n": n, "status": "open", "text": "x" * 40})
                 for n in range(first, min(count, first + BATCH))]
            )  # fmt: skip


async def _revision(url: str) -> int:
    async with await Board.open(url, NAME) as board:
        return await board.revision()


async def first_paint(server: PrivateServer, count: int) -> float:
    """Seconds from the snapshot of a board of ``count`` records to its first picture."""
    await fill(server.url, count)
    async with await Board.open(server.url, NAME) as board:
        await board.replica()
        began = time.perf_counter()
        async with Watch.begin(board) as watch:
            app = ViewerApp(watch)
            async with app.run_test(size=SIZE) as pilot:
                await pilot.pause()
                return time.perf_counter() - began


def measure_screen(records: int, seconds: float, note: Callable[[str, str, float], None]) -> None:
    """The first picture of a board of ``records``, and the viewer at each of :data:`RATES`."""
    binary = find_server()
    with private_server(binary) as server:
        note(
            f"first picture of {records:,} records, after the snapshot",
            "ms",
            asyncio.run(first_paint(server, records)) * 1000,
        )
    for rate in RATES:
        with private_server(binary) as server:
            seen = see(server, rate, seconds, KEYS)
        note(f"viewer's share of a core, {rate:,} changes/s", "%", seen.cpu * 100)
        note(f"a key answered, {rate:,} changes/s: median", "ms", percentile(seen.keys_ms, 0.5))
        note(f"a key answered, {rate:,} changes/s: slowest of {len(seen.keys_ms)}", "ms", max(seen.keys_ms))

"""What becomes of the bytes that go one way through the proxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TypeAlias

from tests.proxy.frames import Frames

Cut: TypeAlias = Callable[[bytes], Iterable[bytes]]


def whole(frame: bytes) -> Iterable[bytes]:
    """``frame`` as it is."""
    return (frame,)


def single_bytes(frame: bytes) -> Iterable[bytes]:
    """``frame`` byte by byte."""
    return (frame[at : at + 1] for at in range(len(frame)))


class Gate:
    """Lets everything through unless it holds it back."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Keep what comes until :meth:`release`, as a network does that will come back."""
        self._open.clear()

    def release(self) -> None:
        """Let go of what was held, at once and in order."""
        self._open.set()

    async def opened(self) -> None:
        """Return when nothing is held."""
        if not self._open.is_set():
            await self._open.wait()


class Direction(Gate):
    """One of the two directions of all connections of a proxy; everything can be changed while bytes flow."""

    def __init__(self) -> None:
        super().__init__()
        self.delay: Callable[[], float] = lambda: 0.0
        """seconds from the arrival of a frame to its leaving, asked for each; the order is kept"""
        self.cut: Cut = whole
        """the pieces in which a frame leaves; the loop turns once after each, so that they arrive as pieces"""


class Way(Gate):
    """One direction of one connection: reads as fast as the bytes come, lets them go as the direction says.

    What was read before its sender closed is still delivered, as by a network; ``on_frame`` says of
    each frame whether it goes on.
    """

    def __init__(
        self,
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_frame: Callable[[bytes], bool],
        is_dead: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._direction = direction
        self._reader = reader
        self._writer = writer
        self._on_frame = on_frame
        self._is_dead = is_dead
        self._frames = Frames()
        self._under_way: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

    async def run(self) -> None:
        """Until the sender has closed and all that it sent is delivered; then the receiver is told, if anybody is."""
        reading = asyncio.create_task(self._read(), name="proxy-read")
        try:
            await self._deliver()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await self._all_opened()
        if not self._is_dead() and not self._writer.is_closing():
            with contextlib.suppress(OSError):
                self._writer.write_eof()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            with contextlib.suppress(ConnectionError):
                while data := await self._reader.read(1 << 20):
                    for frame in self._frames.feed(data):
                        if not self._on_frame(frame):
                            continue
                        self._under_way.put_nowait((loop.time() + self._direction.delay(), frame))
        finally:
            self._under_way.put_nowait(None)

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        while (item := await self._under_way.get()) is not None:
            due, frame = item
            wait_s = due - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            await self._all_opened()
            if self._is_dead():
                continue
            cut = self._direction.cut
            if cut is whole:
                self._writer.write(frame)
            else:
                for piece in cut(frame):
                    self._writer.write(piece)
                    await asyncio.sleep(0)
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    async def _all_opened(self) -> None:
        await self._direction.opened()
        await self.opened()

"""The seven ways in which what is between a client and a server fails, at random.

Each runs until it is cancelled, heals what it did to the proxy then, and counts in ``proxy.strikes``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias

from tests.proxy.direction import Cut, Gate, single_bytes, whole
from tests.proxy.proxy import Fate, Pair, Proxy

Fault: TypeAlias = Callable[[Proxy, Random], Awaitable[None]]


async def delays(proxy: Proxy, chance: Random) -> None:
    """All comes late, and some so late that it was sent again over another connection meanwhile."""

    def late() -> float:
        proxy.strikes += 1
        return chance.uniform(0.5, 1.5) if chance.random() < 0.01 else chance.uniform(0, 0.02)

    proxy.forth.delay = proxy.back.delay = late
    try:
        await asyncio.Event().wait()
    finally:
        proxy.forth.delay = proxy.back.delay = lambda: 0.0


async def dropped_replies(proxy: Proxy, chance: Random) -> None:
    """One request in twenty is done and not answered."""
    await _doom(proxy, chance, Fate.UNANSWERED)


async def dropped_requests(proxy: Proxy, chance: Random) -> None:
    """One request in twenty does not arrive."""
    await _doom(proxy, chance, Fate.LOST)


async def _doom(proxy: Proxy, chance: Random, fate: Fate) -> None:
    def of(request: bytes) -> Fate:
        if chance.random() < 0.05:
            proxy.strikes += 1
            return fate
        return Fate.PASSES

    proxy.fate = of
    try:
        await asyncio.Event().wait()
    finally:
        proxy.fate = lambda request: Fate.PASSES


async def resets(proxy: Proxy, chance: Random) -> None:
    """Connections break in the middle of a command or an answer."""
    proxy.forth.cut = proxy.back.cut = random_pieces(chance)
    try:
        while True:
            await asyncio.sleep(chance.uniform(0, 0.1))
            for pair in _some(proxy, chance):
                pair.abort()
                proxy.strikes += 1
    finally:
        proxy.forth.cut = proxy.back.cut = whole


async def half_open(proxy: Proxy, chance: Random) -> None:
    """One end is gone and the other is not told."""
    try:
        while True:
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            for pair in _some(proxy, chance):
                pair.dead = True
                gone = pair.server if chance.random() < 0.7 else pair.client
                gone.transport.abort()
                proxy.strikes += 1
    finally:
        for pair in list(proxy.pairs):
            if pair.client.is_closing():  # keepalive tells a server at last; a client has to find out by itself
                pair.abort()


async def one_way(proxy: Proxy, chance: Random) -> None:
    """Nothing passes in one direction, for all or for some; what was held arrives when it heals, also from who gave up.

    What it carries then was sent again over another connection meanwhile, and more after that.
    """
    held: list[Gate] = []
    try:
        while True:
            await asyncio.sleep(chance.uniform(0.02, 0.2))
            forth = chance.random() < 0.5
            if chance.random() < 0.4:
                held = [proxy.forth if forth else proxy.back]
            else:
                alive = [pair for pair in _alive(proxy) if chance.random() < 0.5]
                held = [pair.forth if forth else pair.back for pair in alive]
            for gate in held:
                gate.hold()
                proxy.strikes += 1
            await asyncio.sleep(chance.uniform(0.02, 0.7))
            while held:
                held.pop().release()
    finally:
        for gate in held:
            gate.release()


async def split_frames(proxy: Proxy, chance: Random) -> None:
    """Commands and answers arrive in single bytes, in random pieces, and many at once."""
    try:
        while True:
            for direction in (proxy.forth, proxy.back):
                direction.cut = chance.choice((whole, single_bytes, random_pieces(chance)))
            merged = chance.choice((None, proxy.forth, proxy.back))
            if merged is not None:
                merged.hold()
            await asyncio.sleep(chance.uniform(0.005, 0.05))
            if merged is not None:
                merged.release()
            proxy.strikes += 1
    finally:
        proxy.forth.cut = proxy.back.cut = whole
        proxy.forth.release()
        proxy.back.release()


def random_pieces(chance: Random) -> Cut:
    """Up to five pieces of any length."""

    def pieces(frame: bytes) -> Iterable[bytes]:
        cuts = sorted(chance.randrange(len(frame)) for _ in range(chance.randint(0, 4)))
        return [frame[a:b] for a, b in zip([0, *cuts], [*cuts, len(frame)], strict=True) if a < b]

    return pieces


def _some(proxy: Proxy, chance: Random) -> list[Pair]:
    """One connection in most cases, sometimes all; none where there is none."""
    alive = _alive(proxy)
    if not alive or chance.random() < 0.1:
        return alive
    return [chance.choice(alive)]


def _alive(proxy: Proxy) -> list[Pair]:
    return sorted((pair for pair in proxy.pairs if not pair.dead), key=lambda pair: pair.number)


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "delay": delays,
        "dropped reply": dropped_replies,
        "dropped request": dropped_requests,
        "reset": resets,
        "half-open": half_open,
        "one-way": one_way,
        "frames split": split_frames,
    }
)

"""Keys of a board that hold something else than they should, because somebody else wrote to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.errors import Corrupt, refusal_of
from blackboard.link import ErrorAnswer, LinkLost, call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.errors import ServerRefused
    from blackboard.keys import BoardKeys
    from blackboard.link import Link


async def refusal_about(answer: str, link: Link, keys: BoardKeys, names: Iterable[str]) -> ServerRefused | Corrupt:
    """What the error that a call on the keys ``names`` was answered with means; damage is told with the key's name."""
    error = refusal_of(answer, f"a key of board {keys.name!r}")
    wrong = await _misplaced(link, keys, names) if isinstance(error, Corrupt) else ""
    return refusal_of(answer, wrong) if wrong else error


async def _misplaced(link: Link, keys: BoardKeys, names: Iterable[str]) -> str:
    """The first of ``names`` that is not of its type, with what it is; ``""`` where none is, or nobody may ask."""
    for name in names:
        try:
            answer = await call(link, "TYPE", name)
        except (ErrorAnswer, LinkLost):
            return ""
        kind = answer.decode() if isinstance(answer, bytes) else str(answer)
        wanted = _type_of(keys, name)
        if kind not in ("none", wanted):
            return f"{name}, which is a {kind} and no {wanted},"
    return ""


def _type_of(keys: BoardKeys, name: str) -> str:
    if name == keys.log:
        return "stream"
    if name == keys.expiries:
        return "zset"
    return "string" if name.startswith((keys.once(""), keys.session(""))) else "hash"

"""Which boards a server holds, and how one is removed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import redis.exceptions

from blackboard.codec import check_time
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt, InvalidName, NoBackend, refusal_of
from blackboard.keys import CONTROL_REGION, EVERY_META, BoardKeys, board_of
from blackboard.record import parse_stored

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from blackboard.backend import Backend
    from blackboard.record import Record

PAGE = 500
"""keys that are asked for or removed at once"""


class BoardMeta(NamedTuple):
    """What a board's meta hash says; ``created_ms`` is in milliseconds since 1970.

    ``damage`` says why nothing can be read of it, and is empty otherwise.
    """

    name: str
    format: str
    epoch: int
    revision: int
    created_ms: int
    damage: str = ""


async def list_boards(backend: Backend) -> list[BoardMeta]:
    """Every board of the server, the newest first, damaged ones last; keys that only look like a board's are left out.

    Raises :class:`NoBackend` and :class:`ServerRefused`.
    """
    names = set()
    with _translated(backend):
        async for raw in backend.client.scan_iter(match=EVERY_META, count=PAGE):
            with contextlib.suppress(InvalidName, UnicodeDecodeError):
                names.add(board_of(raw.decode()))
    found = []
    for name in sorted(names):
        try:
            meta = await read_meta(backend, name)
        except Corrupt as error:
            meta = BoardMeta(name, "", 0, 0, 0, str(error))
        if meta is not None:
            found.append(meta)
    return sorted(found, key=lambda meta: meta.created_ms, reverse=True)


async def read_meta(backend: Backend, name: str) -> BoardMeta | None:
    """What the server says about the board ``name``; ``None`` where there is no such board, :class:`Corrupt` raised
    where it is damaged."""
    with _translated(backend):
        answer = backend.client.hmget(BoardKeys(name).meta, ["format", "epoch", "revision", "created"])
        fields = await cast("Awaitable[list[bytes | None]]", answer)
    if fields[0] is None:
        return None
    try:
        form, epoch, revision, created = ((field or b"0").decode() for field in fields)
        return BoardMeta(name, form, int(epoch), int(revision), check_time(int(created)))
    except ValueError as error:
        raise Corrupt(f"the meta hash of board {name} does not parse: {error}") from error


async def count_records(backend: Backend, name: str) -> int:
    """How many records the board holds, its control records included."""
    with _translated(backend):
        return int(await backend.client.hlen(BoardKeys(name).revisions))


async def read_control(backend: Backend, name: str, key: str) -> Record[Any] | None:
    """One control record of a board that nobody opened, for a list of boards; raises :class:`Corrupt`."""
    with _translated(backend):
        answer = backend.client.hget(BoardKeys(name).records(CONTROL_REGION), key)
        stored = await cast("Awaitable[bytes | None]", answer)
    return checked(parse_stored(key, stored)) if stored is not None else None


async def has_keys(backend: Backend, name: str) -> bool:
    """Whether anything lies under the name of a board, whole or not."""
    keys = BoardKeys(name)
    with _translated(backend):
        if await backend.client.exists(keys.meta):
            return True
        async for _ in backend.client.scan_iter(match=keys.prefix + "*", count=PAGE):
            return True
    return False


async def remove_board(backend: Backend, name: str) -> int:
    """Delete every key of the board ``name`` and return how many there were.

    Not atomic: the meta hash goes first, so that what is left of a removal cut short is no board, and
    is taken up by the next removal of that name.
    """
    keys = BoardKeys(name)
    with _translated(backend):
        removed = int(await backend.client.unlink(keys.meta))
        batch: list[bytes] = []
        async for key in backend.client.scan_iter(match=keys.prefix + "*", count=PAGE):
            batch.append(key)
            if len(batch) == PAGE:
                removed += int(await backend.client.unlink(*batch))
                batch.clear()
        if batch:
            removed += int(await backend.client.unlink(*batch))
    return removed


@contextlib.contextmanager
def _translated(backend: Backend) -> Iterator[None]:
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
        raise NoBackend(f"no server at {backend.url}: {error}") from error
    except redis.exceptions.RedisError as error:
        raise refusal_of(f"{error} (at {backend.url})", f"a key at {backend.url}") from error

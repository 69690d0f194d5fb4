"""The Lua files as objects: their text and the digest that Redis knows them by."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from blackboard.errors import Corrupt, NoBackend
from blackboard.link import CALL_WITHIN_S, Answer, Argument, ErrorAnswer, Link, call

if TYPE_CHECKING:
    from blackboard.keys import BoardKeys

FORMAT = "1"
"""The format of a board's keys that this version reads and writes."""


class Script:
    """One Lua file.  The file's head says what it takes and returns."""

    def __init__(self, file: str) -> None:
        self.text = resources.files("blackboard").joinpath(file).read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def load(self, link: Link, timeout_s: float = CALL_WITHIN_S) -> None:
        """Put the script into the server's cache, which a restart or promotion empties."""
        try:
            await call(link, "SCRIPT", "LOAD", self.text, timeout_s=timeout_s)
        except ErrorAnswer as error:
            raise NoBackend(f"the server does not take scripts: {error}") from error

    async def run(
        self, link: Link, keys: list[str], arguments: list[Argument], timeout_s: float = CALL_WITHIN_S
    ) -> Answer:
        """Run it, loading it first where the server does not have it."""
        command: list[Argument] = ["EVALSHA", self.sha, len(keys), *keys, *arguments]
        try:
            return await call(link, *command, timeout_s=timeout_s)
        except ErrorAnswer as error:
            if error.code != "NOSCRIPT":
                raise
        await self.load(link, timeout_s)
        return await call(link, *command, timeout_s=timeout_s)


class Greeting:
    """What a handshake told: where this server's history stands."""

    __slots__ = ("epoch", "revision", "run_id", "status", "time_ms")

    def __init__(self, answer: Answer) -> None:
        texts = [part.decode() if isinstance(part, bytes) else str(part) for part in answer]
        self.status, epoch, revision, self.run_id, time_ms = texts
        try:
            self.epoch = int(epoch)
            self.revision = int(revision)
            self.time_ms = int(time_ms)
        except ValueError as error:
            raise Corrupt(f"the board's meta hash does not parse: {error}") from error

    @property
    def head(self) -> str:
        """The newest commit's name as far as epoch and revision tell it."""
        return f"{self.epoch}-{self.revision}"


async def shake_hands(
    script: Script,
    link: Link,
    keys: BoardKeys,
    *,
    run_id: str,
    session: str,
    session_ttl_ms: int | None,
    seen: str,
    seen_run: str,
    time_ms: int | None,
    create: bool,
    timeout_s: float = CALL_WITHIN_S,
) -> Greeting:
    """Introduce ``link`` to the board: ``handshake.lua`` says what becomes of it."""
    names = [keys.meta, keys.log, keys.session(session)]
    arguments: list[Argument] = [
        FORMAT,
        run_id,
        "" if session_ttl_ms is None else session_ttl_ms,
        seen,
        seen_run,
        "" if time_ms is None else time_ms,
        "1" if create else "",
    ]
    return Greeting(await script.run(link, names, arguments, timeout_s))

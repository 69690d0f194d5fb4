"""The board as its users see it: records in, records out, nothing changed but by a commit."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Self

from blackboard import codec
from blackboard.backoff import backoff_s
from blackboard.clock import Clock, SystemClock
from blackboard.commit import Absent, At, Committed, Delete, Guard, Once, Put, Update, Write
from blackboard.errors import Conflict, NoBackend, UsageError
from blackboard.group import Packed
from blackboard.history import kept
from blackboard.keys import check_key
from blackboard.mutation import Mutations
from blackboard.once import checked_ttl_ms, name_once
from blackboard.reading import Reading
from blackboard.record import Record, Stamp, revision_of
from blackboard.snapshots import drop_snapshot, take_snapshot
from blackboard.store import Store
from blackboard.trimming import wanted_horizon

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from blackboard.backend import Backend
    from blackboard.retention import Retention
    from blackboard.schemas import Schemas
    from blackboard.snapshots import Snapshot
    from blackboard.trimming import Trimmed

UPDATE_ATTEMPTS = 100


class Board(Reading):
    """A named set of records with one log and one revision counter.

    Open it with :meth:`open`; it is a context manager.  All instants are milliseconds since 1970.
    """

    def __init__(self, store: Store, backend: Backend, *, author: str, owns_backend: bool) -> None:
        super().__init__(store)
        self.backend = backend
        self.name = store.keys.name
        self.author = author
        self.schemas: Schemas | None = None
        """what this process holds its writes to; ``None``: nobody has said"""
        self._owns_backend = owns_backend
        self._mutations = Mutations(self)
        self._new_prefix = secrets.token_hex(4)
        self._new_count = 0

    @classmethod
    async def open(
        cls,
        where: str | Backend | None = None,
        name: str = "main",
        *,
        author: str = "",
        clock: Clock | None = None,
        create: bool = True,
    ) -> Self:
        """Open the board ``name`` at a URL, making it unless ``create`` is false.

        ``where`` is ``embedded:DIR``, ``memory:``, ``redis://…``, ``rediss://…``, ``unix://…``, a backend that
        is open already, or ``None`` for the configured one.  Raises :class:`NoBackend`,
        :class:`UsageError` where the board is not there, :class:`Corrupt` where it cannot be trusted.
        """
        owned = where is None or isinstance(where, str)
        backend = await _connected(where) if where is None or isinstance(where, str) else where
        try:
            store = await Store.open(backend, name, clock or SystemClock(), create=create)
        except BaseException:
            if owned:
                await backend.aclose()
            raise
        return cls(store, backend, author=author, owns_backend=owned)

    async def close(self) -> None:
        """Wait for commits in flight, then let go of the server; cancelled, let go without waiting."""
        async with contextlib.AsyncExitStack() as last_first:  # each step is made, also when one before was cancelled
            if self._owns_backend:
                last_first.push_async_callback(self.backend.aclose)
            last_first.push_async_callback(self.store.close)
            if self._replica is not None:
                last_first.push_async_callback(self._replica.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def create(
        self,
        key: str,
        value: Any,
        *,
        ttl_ms: int | None = None,
        status: str = "",
        once: str | None = None,
        stamp: Stamp | None = None,
    ) -> Record:
        """Write a record that is not there yet; raises :class:`Conflict` with the one that is."""
        put = Put(self.fill_new(key), value, ttl_ms, status)
        return await self._put([Absent(put.key)], put, once, stamp)

    async def put(
        self,
        key: str,
        value: Any,
        *,
        ttl_ms: int | None = None,
        status: str = "",
        once: str | None = None,
        stamp: Stamp | None = None,
    ) -> Record:
        """Write a record whatever stands there: the last writer wins, and what others wrote is lost.

        Use :meth:`replace` or :meth:`mutate` wherever the new value depends on the old one.
        """
        return await self._put([], Put(self.fill_new(key), value, ttl_ms, status), once, stamp)

    async def replace(
        self, record: Record, value: Any, *, ttl_ms: int | None = None, status: str = "", stamp: Stamp | None = None
    ) -> Record:
        """Write a new value where ``record`` stands unchanged; raises :class:`Conflict` where it does not."""
        return await self._put([At(record.key, record.commit)], Put(record.key, value, ttl_ms, status), None, stamp)

    async def delete(self, what: str | Record) -> None:
        """Remove a record: by key whatever stands there, by record only that version (else :class:`Conflict`)."""
        if isinstance(what, Record):
            await self.commit([At(what.key, what.commit)], [Delete(what.key)])
        else:
            await self.commit([], [Delete(what)])

    async def commit(
        self,
        guards: Sequence[Guard],
        writes: Sequence[Write],
        *,
        updates: Sequence[Update] = (),
        once: Once | str | None = None,
        stamp: Stamp | None = None,
    ) -> Committed:
        """Apply all writes if every guard holds, else nothing.

        ``updates`` are read, applied and guarded here; where only they conflict, they are applied again.
        Raises :class:`Conflict` naming every guard that failed, :class:`OnceMismatch`, :class:`Unknown`
        where the server stays away, :class:`InvalidValue`, :class:`TooLarge`.
        """
        stamp = stamp or Stamp(author=self.author)
        packed = [self.pack(write, stamp) for write in writes]
        _check_distinct([write.key for write in writes] + [update.key for update in updates])
        key, digest, ttl_ms = name_once(once, writes, packed, updates)
        if not updates:
            return await self.store.submit(
                guards, packed, stamp.author, once=key, once_digest=digest, once_ttl_ms=ttl_ms
            )
        for attempt in range(UPDATE_ATTEMPTS):
            hot_guards, hot_writes = await self._updated(updates, stamp)
            try:
                return await self.store.submit(
                    [*guards, *hot_guards],
                    [*packed, *hot_writes],
                    stamp.author,
                    once=key,
                    once_digest=digest,
                    once_ttl_ms=ttl_ms,
                )
            except Conflict as conflict:
                only_hot = all(failure.guard in hot_guards for failure in conflict.failures)
                if not only_hot or attempt + 1 == UPDATE_ATTEMPTS:
                    raise
            await asyncio.sleep(backoff_s(attempt))
        raise AssertionError("unreachable")

    async def _updated(self, updates: Sequence[Update], stamp: Stamp) -> tuple[list[Guard], list[Packed]]:
        guards: list[Guard] = []
        writes = []
        for update in updates:
            present = await self.get(update.key)
            guards.append(At(update.key, present.commit) if present is not None else Absent(update.key))
            value = update.fn(present.value if present is not None else None)
            writes.append(self.pack_next(update.key, value, stamp, present))
        return guards, writes

    async def mutate(self, key: str, fn: Callable[[Any], Any], *, stamp: Stamp | None = None) -> Record:
        """Replace the value at ``key`` by ``fn(value)`` (``None`` where nothing stands), never losing a write.

        ``fn`` is called again when somebody else wrote meanwhile, so it must do nothing else.  Calls for
        one key in this process are applied together; the record returned has all of theirs.  Raises
        what ``fn`` raises, and :class:`Conflict` when 100 tries met another writer each time.
        """
        return await self._mutations.apply(check_key(key), fn, stamp or Stamp(author=self.author))

    async def _put(self, guards: list[Guard], put: Put, once: str | None, stamp: Stamp | None) -> Record:
        stamp = stamp or Stamp(author=self.author, case=put.key)
        packed = self.pack(put, stamp)
        once_key, digest, ttl_ms = name_once(once, [put], [packed])
        done = await self.store.submit(
            guards, [packed], stamp.author, once=once_key, once_digest=digest, once_ttl_ms=ttl_ms
        )
        written = done.writes[0]
        if done.repeated or not written.changed:
            with contextlib.suppress(NoBackend):  # the commit is done, whoever can still be asked about it
                present = await self.get(put.key)
                if present is not None and present.commit == written.commit:
                    return present
        return Record(put.key, written.commit, revision_of(written.commit), written.version, done.time_ms, packed.data)

    def pack(self, write: Write, stamp: Stamp) -> Packed:
        """``write`` as the store takes it; raises :class:`InvalidName`, :class:`InvalidValue`, :class:`SchemaMismatch`."""
        if isinstance(write, Delete):
            return Packed(check_key(write.key), 0, "", b"")
        expires_ms = 0
        if self.schemas is not None:
            self.schemas.check(write.key, write.value)
        if write.ttl_ms is not None:
            expires_ms = self.store.server_now_ms() + checked_ttl_ms(write.ttl_ms, write.key)
        data, head = codec.pack_head(stamp, write.status, expires_ms, codec.pack_value(write.value))
        return Packed(check_key(write.key), expires_ms, head.digest, data, head)

    def pack_next(self, key: str, value: Any, stamp: Stamp, present: Record | None) -> Packed:
        """A new value for the record ``present``, which keeps its status and the end of its time."""
        if present is None:
            return self.pack(Put(key, value), stamp)
        if self.schemas is not None:
            self.schemas.check(key, value)
        data, digest = codec.pack_record(stamp, present.status, present.expires_ms, codec.pack_value(value))
        return Packed(key, present.expires_ms, digest, data)

    def fill_new(self, key: str) -> str:
        """``key`` with ``{new}`` replaced by a name that nobody has."""
        if "{new}" not in key:
            return key
        self._new_count += 1
        return key.replace("{new}", f"{self._new_prefix}{self._new_count:x}")

    async def snapshot(self, name: str, moment: int | str = "now") -> Snapshot:
        """Give a revision a name, and keep the log from there until the snapshot is dropped.

        Raises :class:`UsageError` where the name is taken, and for ``moment`` as :meth:`at`.
        """
        async with kept(self.store):
            return await take_snapshot(self.store, name, await self.revision_at(moment), self.author)

    async def drop_snapshot(self, name: str) -> None:
        """Let go of a snapshot: the log may be trimmed past it.  Raises :class:`NothingSelected`."""
        await drop_snapshot(self.store, name)

    async def retain(self, retention: Retention) -> None:
        """Set how much of the log is kept, for all who write to this board from now on."""
        await self.store.read("HSET", self.store.keys.meta, "retention", retention.stored())

    async def trim(self, upto: int | str | None = None) -> Trimmed:
        """Move the horizon up to a moment, or to what the retention asks for, as far as nobody holds the log.

        Every writer does this by and by.  :meth:`at` reaches no further back than the horizon.  The newest commit
        always stays.  Raises :class:`UsageError` for a revision that the board has not come to.
        """
        if upto is None:
            return await self.store.trimmer.trim(await wanted_horizon(self.store, await self.retention()))
        revision, head = await self.revision_at(upto), await self.revision()
        if revision > head:
            raise UsageError(f"revision {revision}: the board is at {head}")
        return await self.store.trimmer.trim(revision)

    async def sweep(self) -> None:
        """Remove up to 16 records whose time is over; every commit does this by the way."""
        await self.store.submit([], [])
        if self.store.sweeping:  # where they are was not known before
            await self.store.submit([], [])


async def _connected(where: str | None) -> Backend:
    from blackboard.connect import connect  # noqa: PLC0415  # drivers of every kind: only who opens by URL needs them

    return await connect(where)


def _check_distinct(keys: list[str]) -> None:
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UsageError(f"one commit writes {twice!r} twice")

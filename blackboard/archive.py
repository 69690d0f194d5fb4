"""A board as one file of JSON lines, which can be read without a server and shows by itself that it is whole.

The first line is a head.  Then come the records that stood at the log's horizon, one a line, then every change of
the log, one a line, and an end that names the state they fold to.  Values are JSON where JSON gives back the same
bytes, else ``packed``, which is msgpack in base64: a digest in the file is the digest on the server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard import codec
from blackboard.errors import BlackboardError, Corrupt, Gap, InvalidInput, InvalidValue
from blackboard.history import kept, read_base
from blackboard.keys import check_board_name, region_of
from blackboard.log import Change, Entry, entries_between, read_epochs
from blackboard.record import Record, Stamp, revision_of
from blackboard.state import State, digest_of
from blackboard.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from blackboard.store import Store

FORMAT: Final = 1
PLAIN_BYTES: Final = 256 << 10
"""above which a value is written packed: as JSON it might grow past what a line may have"""

Document = dict[str, Any]


class Head(NamedTuple):
    """The first line of an archive."""

    board: str
    horizon: int
    horizon_ms: int
    """when that revision was committed, in milliseconds since 1970; 0 at revision 0"""
    epochs: dict[str, int]
    """epoch → the revision that it began after"""


class Archived(NamedTuple):
    """A board read from an archive: the state that it began with, and each commit since."""

    head: Head
    base: State
    entries: tuple[Entry, ...]

    def at(self, revision: int | None = None) -> State:
        """The state after ``revision``, ``None`` for the last; raises :class:`InvalidInput` where it is not in it."""
        last = self.entries[-1].revision if self.entries else self.base.revision
        wanted = last if revision is None else revision
        if not self.base.revision <= wanted <= last:
            raise InvalidInput(f"revision {wanted}: the archive holds {self.base.revision} to {last}")
        state = self.base.copy()
        for entry in self.entries:
            if entry.revision > wanted:
                break
            state.apply(entry)
        return state


async def archive_lines(store: Store) -> AsyncIterator[str]:
    """The archive of a board, line by line, up to the revision at which the reading of the log begins.

    The board may be written to meanwhile.  The end names what the lines fold to, and the digest of the lines
    themselves.
    """
    sum_ = hashlib.blake2b(digest_size=16)
    async for document in _documents(store):
        if "end" in document:
            document["end"]["lines"] = sum_.hexdigest()
        line = json.dumps(document) + "\n"
        sum_.update(line.encode())
        yield line


async def _documents(store: Store) -> AsyncIterator[Document]:
    async with kept(store):
        base = await read_base(store)
        yield {
            "archive": FORMAT,
            "board": store.keys.name,
            "horizon": base.revision,
            "horizon_ms": base.time_ms,
            "epochs": {str(epoch): revision for epoch, revision in await read_epochs(store)},
        }
        for record in base.records_kept():
            yield {"base": _record_document(record)}
        end = await store.number_of("revision")
        state = base
        async for entry in entries_between(store, base.revision, end):
            state.apply(entry)
            for index, change in enumerate(entry.changes):
                yield _change_document(change, index, len(entry.changes))
        yield {"end": {"revision": state.revision, "records": state.count, "digest": digest_of(state)}}


def _record_document(record: Record) -> Document:
    head = record.head
    document: Document = {
        "key": record.key,
        "commit": record.commit,
        "version": record.version,
        "time_ms": record.time_ms,
        "author": head.author,
        "activation": head.activation,
        "case": head.case,
        "causes": list(head.causes),
        "depth": head.depth,
        "trust": head.trust,
        "status": head.status,
        "expires_ms": head.expires_ms,
        "digest": head.digest,
    }
    if len(head.value) <= PLAIN_BYTES:
        value = codec.unpack_value(head.value)
        if _survives_json(value, head.value):
            return {**document, "value": value}
    return {**document, "packed": base64.b64encode(head.value).decode()}


def _survives_json(value: Any, packed: bytes) -> bool:
    try:
        return codec.pack_value(json.loads(json.dumps(value, allow_nan=False))) == packed
    except (TypeError, ValueError, InvalidValue):
        return False


def _change_document(change: Change, index: int, count: int) -> Document:
    document: Document = {"commit": change.commit, "change": index + 1, "of": count, "by": change.author}
    document |= {"time_ms": change.time_ms, "operation": change.operation, "previous": change.previous_commit}
    return {**document, "record": _record_document(change.record)} if change.record else {**document, "key": change.key}


def read_archive(lines: Iterable[str], *, place: str) -> Archived:
    """The board in ``lines``.

    Raises :class:`InvalidInput` with ``place:line`` where a line does not parse, a revision is missing, a digest is
    not that of its value, or the lines are not those, or do not fold to the state, that the end names.
    """
    reader = _Reader(lines, place)
    try:
        return reader.read()
    except Gap as gap:
        raise InvalidInput(f"after revision {gap.since} comes {gap.oldest}", place=reader.place) from gap
    except InvalidInput:
        raise
    except (BlackboardError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"is no line of an archive: {error}", place=reader.place) from error


class _Reader:
    def __init__(self, lines: Iterable[str], file: str) -> None:
        self._lines = iter(lines)
        self._file = file
        self._line = 0
        self._sum = hashlib.blake2b(digest_size=16)

    @property
    def place(self) -> str:
        return f"{self._file}:{self._line}"

    def _documents(self) -> Iterator[Document]:
        for line in self._lines:
            self._line += 1
            document = parse_json(line, place=self.place)
            if not isinstance(document, dict):
                raise InvalidInput("is not an object", place=self.place)
            yield document
            self._sum.update(line.rstrip("\r\n").encode(errors="surrogatepass") + b"\n")
        self._line += 1
        raise InvalidInput("the archive was cut off: its end is missing", place=self.place)

    def read(self) -> Archived:
        following = self._documents()
        first = next(following)
        if first.get("archive") != FORMAT:
            raise InvalidInput(f"is not the head of an archive of format {FORMAT}", place=self.place)
        horizon_ms = codec.check_time(first["horizon_ms"])
        head = Head(check_board_name(first["board"]), int(first["horizon"]), horizon_ms, dict(first["epochs"]))
        base = State({}, head.horizon, horizon_ms)
        state = State({}, head.horizon, horizon_ms)
        entries: list[Entry] = []
        changes: list[Change] = []
        for document in following:
            if "end" in document:
                self._check_end(document["end"], state, pending=bool(changes))
                self._check_over()
                return Archived(head, base, tuple(entries))
            if "base" in document:
                for each in (base, state):
                    record = self._record(document["base"])
                    each.regions.setdefault(region_of(record.key), {})[record.key] = record
                continue
            self._gather(document, changes)
            if document["change"] == document["of"]:
                entry = Entry(document["commit"], revision_of(document["commit"]), tuple(changes))
                state.apply(entry)
                entries.append(entry)
                changes = []
        raise AssertionError("unreachable")

    def _gather(self, document: Document, changes: list[Change]) -> None:
        """Take the next change of the commit that is being read."""
        commit = document["commit"]
        if document["change"] != len(changes) + 1 or (changes and changes[0].commit != commit):
            raise InvalidInput("a change of a commit is missing", place=self.place)
        record = self._record(document["record"]) if "record" in document else None
        key = record.key if record is not None else str(document["key"])
        if (record is None) != (document["operation"] != "put"):
            raise InvalidInput("a put has a record, a removal has none", place=self.place)
        changes.append(
            Change(
                key,
                document["operation"],
                commit,
                revision_of(commit),
                codec.check_time(document["time_ms"]),
                str(document["by"]),
                record,
                str(document["previous"]),
            )
        )

    def _record(self, document: Document) -> Record:
        packed = self._packed(document)
        stamp = Stamp(
            document["author"],
            document["activation"],
            document["case"],
            tuple(document["causes"]),
            document["depth"],
            document["trust"],
        )
        data, digest = codec.pack_record(stamp, document["status"], document["expires_ms"], packed)
        if digest != document["digest"]:
            raise InvalidInput(f"{document['key']!r} does not have the digest that stands with it", place=self.place)
        commit = str(document["commit"])
        time_ms = codec.check_time(document["time_ms"])
        return Record(str(document["key"]), commit, revision_of(commit), int(document["version"]), time_ms, data)

    def _packed(self, document: Document) -> bytes:
        if "packed" not in document:
            return codec.pack_value(document["value"])
        try:
            packed = base64.b64decode(document["packed"], validate=True)
            codec.unpack_value(packed)
        except (binascii.Error, Corrupt) as error:
            raise InvalidInput(f"packed: {error}", place=self.place) from error
        return packed

    def _check_over(self) -> None:
        for line in self._lines:
            self._line += 1
            if line.strip():
                raise InvalidInput("there is more behind the end", place=self.place)

    def _check_end(self, end: Document, state: State, *, pending: bool) -> None:
        if pending:
            raise InvalidInput("a change of a commit is missing", place=self.place)
        found = {"revision": state.revision, "records": state.count, "digest": digest_of(state)}
        if end.get("lines") != self._sum.hexdigest():
            raise InvalidInput("the lines before are not those that were written", place=self.place)
        if {**found, "lines": end["lines"]} != end:
            raise InvalidInput(
                f"the lines fold to {found['records']} records at revision {found['revision']}, digest "
                f"{found['digest']}; the end says {end}",
                place=self.place,
            )

"""A record: a value at a key, the commit that last wrote it, and where it came from."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, cast

from typing_extensions import TypeVar

from blackboard import codec
from blackboard.errors import Corrupt

V = TypeVar("V", default=Any)
W = TypeVar("W")

MAX_STORED_BYTES = 16 << 20
FULL_TRUST = 3
"""The trust of what an operator wrote.  A derived record has the least trust of what was read."""


class Stamp(NamedTuple):
    """Who wrote a record and from what; the runtime fills it, agents cannot.

    ``causes`` are the ``key@commit`` of the records that led here; ``depth`` counts the
    contributions between a fed record (0) and this one; ``case`` is the id of the fed record.
    """

    author: str = ""
    activation: str = ""
    case: str = ""
    causes: tuple[str, ...] = ()
    depth: int = 0
    trust: int = FULL_TRUST


def revision_of(commit: str) -> int:
    """The revision in a commit's name: ``"3-120"`` is revision 120 of epoch 3; ``""`` is 0."""
    return int(commit[commit.index("-") + 1 :]) if commit else 0


class Record(Generic[V]):
    """One version of one record, immutable; two are equal when key and commit are.

    ``commit`` names the commit that wrote it (``epoch-revision``), which is what guards compare;
    ``version`` counts this key's writes from 1 and is for people.  ``value`` is decoded when first
    asked for and belongs to this object: :meth:`fresh` gives a copy that shares nothing mutable.
    """

    __slots__ = ("_head", "_value", "commit", "key", "packed", "revision", "time_ms", "version")

    def __init__(  # noqa: PLR0917  # made for every write, and keywords cost
        self,
        key: str,
        commit: str,
        revision: int,
        version: int,
        time_ms: int,
        packed: bytes,
        head: codec.Head | None = None,
    ) -> None:
        self.key = key
        self.commit = commit
        self.revision = revision
        self.version = version
        self.time_ms = time_ms
        self.packed = packed
        self._head = head
        self._value: Any = codec.UNDECODED

    @property
    def value(self) -> V:
        """The value: what JSON can say, plus bytes.  Raises :class:`Corrupt` where its digest is another's."""
        if self._value is codec.UNDECODED:
            head = self.head
            if not codec.verify(head):
                raise Corrupt(f"the record {self.key!r}: its value is not the one whose digest it holds")
            try:
                self._value = codec.unpack_value(head.value)
            except Corrupt as error:
                raise Corrupt(f"the record {self.key!r}: {error}") from error
        return cast("V", self._value)

    @property
    def head(self) -> codec.Head:
        """The stamp, status, expiry and digest as stored."""
        if self._head is None:
            try:
                self._head = codec.unpack_head(self.packed)
            except Corrupt as error:
                raise Corrupt(f"the record {self.key!r}: {error}") from error
        return self._head

    @property
    def author(self) -> str:
        return self.head.author

    @property
    def activation(self) -> str:
        return self.head.activation

    @property
    def case(self) -> str:
        return self.head.case

    @property
    def causes(self) -> tuple[str, ...]:
        return self.head.causes

    @property
    def depth(self) -> int:
        return self.head.depth

    @property
    def trust(self) -> int:
        return self.head.trust

    @property
    def status(self) -> str:
        return self.head.status

    @property
    def expires_ms(self) -> int:
        """When it reads as absent, in milliseconds since 1970; 0 is never."""
        return self.head.expires_ms

    @property
    def digest(self) -> str:
        return self.head.digest

    def fresh(self) -> Record[V]:
        """The same version with a value of its own, safe to hand to code that may change it."""
        copy: Record[V] = Record(self.key, self.commit, self.revision, self.version, self.time_ms, self.packed)
        copy._head = self._head
        return copy

    def holding(self, value: W) -> Record[W]:
        """The same version with ``value``, such as a model of what is stored, in the place of the decoded one."""
        held: Record[W] = Record(self.key, self.commit, self.revision, self.version, self.time_ms, self.packed)
        held._value = value
        return held

    @property
    def reference(self) -> str:
        """``key@commit``: how other records cite this version."""
        return f"{self.key}@{self.commit}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.key == other.key and self.commit == other.commit

    def __hash__(self) -> int:
        return hash((self.key, self.commit))

    def __repr__(self) -> str:
        return f"Record({self.key!r}, commit={self.commit!r}, version={self.version}, value={self.value!r})"


def parse_stored(key: str | bytes, stored: bytes) -> Record:
    """The record from what its hash field holds: ``epoch revision version time`` and the packed bytes.

    Raises :class:`Corrupt` for other bytes, and for more of them than any commit holds.
    """
    if len(stored) > MAX_STORED_BYTES:
        raise Corrupt(f"the record {key!r} has {len(stored):,} bytes")
    try:
        name = key.decode() if isinstance(key, bytes) else key
        epoch, revision, version, time_ms, packed = stored.split(b" ", 4)
        commit = f"{int(epoch)}-{int(revision)}"
        return Record(name, commit, int(revision), int(version), codec.check_time(int(time_ms)), packed)
    except ValueError as error:
        raise Corrupt(f"the record {key!r} does not parse: {error}") from error

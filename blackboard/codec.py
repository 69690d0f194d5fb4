"""Bytes of records: msgpack within limits, with a digest beside every value.

The bytes of a record are one msgpack array: author, activation, case, causes, depth, trust,
status, expires, digest, value.  The value is a msgpack document of its own inside it, so that
provenance can be read without decoding the value, and the digest can be checked against bytes.
Redis never looks inside.
"""

from __future__ import annotations

import hashlib
import math
import re
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgpack  # type: ignore[import-untyped]  # the package ships no types

from blackboard.errors import Corrupt, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.record import Stamp

MAX_VALUE_BYTES: Final = 1 << 20
MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 64
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 64) - 1
_MAX_TIME_MS: Final = 253_402_300_799_999
"""the end of the year 9999, after which no calendar shows a time"""
# What packed bytes hold wherever they hold a bin, an ext, a 32-bit float, an infinity or NaN; parts of texts look so too.
_ODD: Final = re.compile(rb"[\xc4-\xca\xd4-\xd8]|\xcb[\x7f\xff][\xf0-\xff]")
# What is left of packed bytes without these begins each list and map; parts of texts are among it, too.
_NO_CONTAINER: Final = bytes(byte for byte in range(256) if not (0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF))
_READ_NODES: Final = 2 * MAX_NODES
_READ_DEPTH: Final = 2 * MAX_DEPTH


class _Packers(threading.local):
    """One packer a thread: a new one for each value would allocate its buffer each time."""

    def __init__(self) -> None:
        self.pack: Callable[[object], bytes] = msgpack.Packer(use_bin_type=True).pack


_packers = _Packers()


class _Undecoded:
    """The type of the mark for a value that was not decoded yet."""


UNDECODED: Final = _Undecoded()


class Head(NamedTuple):
    """Everything in a record's bytes, the value still packed."""

    author: str
    activation: str
    case: str
    causes: tuple[str, ...]
    depth: int
    trust: int
    status: str
    expires_ms: int
    digest: str
    value: bytes


_HEAD_TYPES: Final = (str, str, str, tuple, int, int, str, int, str, bytes)


def check_value(value: object) -> None:
    """Raise :class:`InvalidValue`, naming the path, unless a record can hold ``value``.

    Allowed: None, bool, int of 64 bits, finite float, str without lone surrogates, bytes, and
    lists, tuples and string-keyed dicts of these; at most 100,000 nodes and 64 levels.
    """
    if type(value) is dict:  # the usual case: a flat mapping, checked without a stack
        for key, item in value.items():
            kind = type(item)
            if type(key) is not str or (
                kind is not str
                and kind is not bool
                and item is not None
                and (kind is not int or not -(1 << 53) < item < 1 << 53)
            ):
                break
        else:
            if len(value) < MAX_NODES:
                return
    _check_deep(value)


def _check_deep(root: object, max_nodes: int = MAX_NODES, max_depth: int = MAX_DEPTH) -> None:
    nodes = 1
    stack: list[tuple[object, tuple[object, ...]]] = [(root, ())]
    while stack:
        value, path = stack.pop()
        if not isinstance(value, dict | list | tuple):
            _check_leaf(value, path)
            continue
        if len(path) >= max_depth:
            raise InvalidValue(f"deeper than {max_depth} levels", place=_place(path[:4]))
        nodes += len(value)  # before they are stacked: a list may hold itself, or one long list many times
        if nodes > max_nodes:
            raise InvalidValue(f"more than {max_nodes:,} nodes", place=_place(path[:4]))
        below = len(stack)
        if isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(key, str):
                    raise InvalidValue(f"the field name {key!r} is not text", place=_place(path))
                stack.append((item, (*path, key)))
        else:
            stack.extend((item, (*path, index)) for index, item in enumerate(value))
        if len(stack) - below != len(value):  # packed, it would be bytes that nobody can read
            raise InvalidValue(
                f"a {type(value).__name__} that does not give as many items as it has", place=_place(path)
            )


def _check_leaf(value: object, path: tuple[object, ...]) -> None:
    if value is None or isinstance(value, bool | bytes | str):
        return
    if isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise InvalidValue("an integer above 64 bits", place=_place(path))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidValue(f"{value} is not a number that JSON can say", place=_place(path))
    else:
        raise InvalidValue(f"{type(value).__name__} is not a type that a record holds", place=_place(path))


def _refuse_surrogates(root: object) -> None:
    """Raise :class:`InvalidValue` at the first text or field name that has no UTF-8."""
    stack: list[tuple[object, tuple[object, ...]]] = [(root, ())]
    while stack:
        value, path = stack.pop()
        if isinstance(value, str):
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise InvalidValue(f"a lone surrogate in {value[:40]!a}", place=_place(path))
        elif isinstance(value, dict):
            for key, item in value.items():
                stack.append((item, (*path, key)))
                stack.append((key, path))  # seen before the item, so a place is always printable
        elif isinstance(value, list | tuple):
            stack.extend((item, (*path, index)) for index, item in enumerate(value))


def _place(path: tuple[object, ...]) -> str:
    return "value" + "".join(f"[{p!r}]" if isinstance(p, int) else f".{p}" for p in path)


def pack_value(value: object) -> bytes:
    """``value`` as msgpack, at most 1 MiB; raises :class:`InvalidValue`."""
    check_value(value)
    try:
        packed = _packers.pack(value)
    except (ValueError, OverflowError, TypeError) as error:
        if isinstance(error, UnicodeEncodeError):
            _refuse_surrogates(value)
        raise InvalidValue(f"cannot be stored: {error}", place="value") from error
    if len(packed) > MAX_VALUE_BYTES:
        raise InvalidValue(f"{len(packed):,} bytes, more than {MAX_VALUE_BYTES:,}", place="value")
    return packed


def pack_own(value: object) -> bytes:
    """A value that the runtime itself made, as msgpack; what came from outside goes through :func:`pack_value`.

    Texts in it may quote anything: a lone surrogate, which has no UTF-8, is stored as its escape.
    """
    try:
        packed = _packers.pack(value)
    except UnicodeEncodeError:  # an agent's error or question, say, that quotes a lone surrogate
        packed = msgpack.packb(value, use_bin_type=True, unicode_errors="backslashreplace")
    return packed


def unpack_value(packed: bytes) -> Any:
    """The value in ``packed``, which holds what :func:`check_value` allows; raises :class:`Corrupt`.

    Others may write to the server too: nothing that comes out of here is what JSON and bytes cannot say.  It may
    have twice as many nodes and levels, since the runtime's own records hold values of agents inside them.
    """
    hooks = _Counter().hooks() if len(packed) > MAX_NODES else {}  # a node has at least one byte
    try:
        value = msgpack.unpackb(
            packed, raw=False, strict_map_key=True, ext_hook=_refuse_ext, max_array_len=MAX_NODES, max_map_len=MAX_NODES,
            **hooks,
        )  # fmt: skip
        if _ODD.search(packed) or (len(packed) > MAX_DEPTH and len(packed.translate(None, _NO_CONTAINER)) > MAX_DEPTH):
            _check_deep(value, _READ_NODES, _READ_DEPTH)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError, InvalidValue) as error:
        raise Corrupt(f"a value of {len(packed)} bytes does not decode: {type(error).__name__}: {error}") from error
    return value


class _Counter:
    """Counts nodes while they are decoded: lists of empty lists take sixty times their bytes."""

    def __init__(self) -> None:
        self._nodes = 0

    def hooks(self) -> dict[str, Callable[[Any], Any]]:
        return {"list_hook": self._count, "object_hook": self._count}

    def _count(self, container: Any) -> Any:
        self._nodes += len(container)
        if self._nodes > _READ_NODES:
            raise ValueError(f"more than {_READ_NODES:,} nodes")
        return container


def check_time(time_ms: int) -> int:
    """``time_ms`` if it is milliseconds since 1970 that a calendar can show; raises ``ValueError``."""
    if not 0 <= time_ms <= _MAX_TIME_MS:
        raise ValueError(f"{time_ms} ms is no time")
    return time_ms


def _refuse_ext(code: int, _data: bytes) -> object:
    raise ValueError(f"extension type {code}")


def digest_of(value: bytes, status: str, expires_ms: int) -> str:
    """128 bits of BLAKE2b, in hex, over what a reader of the record can see but its provenance.

    A record that expires never has the digest of its earlier self: posting it again prolongs it.
    """
    tail = f"{status}\0{expires_ms}".encode() if status or expires_ms else b""
    return hashlib.blake2b(value + tail, digest_size=16).hexdigest()


def pack_record(stamp: Stamp, status: str, expires_ms: int, value: bytes) -> tuple[bytes, str]:
    """The bytes that a record's hash field ends with, and the digest in them; raises :class:`InvalidValue`."""
    data, fields, _ = _packed(stamp, status, expires_ms, value)
    return data, fields[8]


def pack_head(stamp: Stamp, status: str, expires_ms: int, value: bytes) -> tuple[bytes, Head]:
    """As :func:`pack_record`, with what a reader will find in the bytes."""
    data, fields, plain = _packed(stamp, status, expires_ms, value)
    return data, Head._make(fields) if plain else unpack_head(data)


def _packed(
    stamp: Stamp, status: str, expires_ms: int, value: bytes
) -> tuple[bytes, tuple[str, str, str, tuple[str, ...], int, int, str, int, str, bytes], bool]:
    """The bytes, what is in them, and whether each of it is of the very type that a reader gets."""
    author, activation, case, causes, depth, trust = stamp
    try:
        digest = digest_of(value, status, expires_ms)
        fields = (author, activation, case, causes, depth, trust, status, expires_ms, digest, value)
        plain = tuple(map(type, fields)) == _HEAD_TYPES
        if not plain:
            _check_head(fields)
        return _packers.pack(fields), fields, plain
    except (ValueError, OverflowError, TypeError) as error:
        raise InvalidValue(f"cannot be stored: {error}", place="stamp or status") from error


def _check_head(fields: tuple[object, ...]) -> None:
    """Raise ``TypeError`` unless what is packed so reads as a head: texts of a class of their own do, for example."""
    for name, kind, field in zip(Head._fields, _HEAD_TYPES, fields, strict=True):
        if not isinstance(field, kind) and not (name == "causes" and isinstance(field, list)):
            raise TypeError(f"{name} is {type(field).__name__}, not {kind.__name__}")


def unpack_head(packed: bytes) -> Head:
    """What :func:`pack_record` packed, the value left as bytes; raises :class:`Corrupt`."""
    try:
        fields = msgpack.unpackb(packed, raw=False, use_list=False, ext_hook=_refuse_ext)
        head = Head(*fields)
        check_time(head.expires_ms)
    except (ValueError, TypeError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise Corrupt(f"a record of {len(packed)} bytes does not decode: {type(error).__name__}: {error}") from error
    if tuple(map(type, head)) != _HEAD_TYPES or not all(type(cause) is str for cause in head.causes):
        raise Corrupt(f"a record of {len(packed)} bytes does not say what a record says")
    return head


def verify(head: Head) -> bool:
    """Whether the digest in a record is that of its value."""
    return head.digest == digest_of(head.value, head.status, head.expires_ms)

"""The beginning of a record's value as JSON, at a cost that goes with what is shown and not with what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgpack  # type: ignore[import-untyped]  # the package ships no types

from blackboard.errors import Corrupt
from blackboard.terminal import format_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.record import Record

SMALL_BYTES: Final = 4_096
"""a record of so many is decoded whole, which is the fastest way"""
_MAPS: Final = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
_LISTS: Final = frozenset((*range(0x90, 0xA0), 0xDC, 0xDD))


def excerpt(record: Record[Any], most: int) -> str:
    """At most ``most`` characters of the value as safe JSON, the last an ellipsis where there is more.

    Raises :class:`Corrupt` where what is looked at does not decode; a large value's digest is not checked.
    """
    if len(record.packed) <= SMALL_BYTES:
        return _cut(format_json(record.value), most)
    text, length = [], 0
    try:
        for piece in _pieces(*_reader(record.head.value), most):
            text.append(piece)
            length += len(piece)
            if length > most:
                break
    except (ValueError, TypeError, IndexError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise Corrupt(
            f"the record {record.key!r}: its value does not decode: {type(error).__name__}: {error}"
        ) from error
    return _cut("".join(text), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _reader(packed: bytes) -> tuple[Any, bytes]:
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=True, max_buffer_size=max(1, len(packed)))
    unpacker.feed(packed)
    return unpacker, packed


def _pieces(unpacker: Any, packed: bytes, most: int) -> Iterator[str]:
    """The value that comes next as JSON, piece by piece; of a long text only its beginning."""
    kind = packed[unpacker.tell()]
    if kind in _MAPS:
        yield "{"
        for index in range(unpacker.read_map_header()):
            yield (", " if index else "") + format_json(str(unpacker.unpack())[: most + 1]) + ": "
            yield from _pieces(unpacker, packed, most)
        yield "}"
    elif kind in _LISTS:
        yield "["
        for index in range(unpacker.read_array_header()):
            if index:
                yield ", "
            yield from _pieces(unpacker, packed, most)
        yield "]"
    else:
        leaf = unpacker.unpack()
        yield format_json(leaf[: most + 1] if isinstance(leaf, str | bytes) else leaf)

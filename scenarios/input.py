"""Lines of a JSONL or CSV file as fields, one row at a time; a line that is none is reported, never fatal.

In CSV every value is text, but for what is plainly a number: ``12``, ``-3`` and ``4.50`` become numbers,
``007``, ``1e3``, ``+1`` and numbers of more than 15 digits stay text, and so do ``true`` and nothing.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from blackboard.codec import pack_value
from blackboard.errors import InvalidInput
from blackboard.strict_json import parse_json
from blackboard.wording import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from blackboard.control_records import RejectedLine

MAX_LINE_BYTES: Final = 1 << 20
MAX_COLUMNS: Final = 1_000
MAX_REASON: Final = 200
"""characters of a reason that are kept"""
_BOM: Final = b"\xef\xbb\xbf"
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,9})\.[0-9]{1,6}\Z")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Row(NamedTuple):
    """The fields of one line; ``line`` counts from 1, a CSV's header included."""

    line: int
    fields: dict[str, Any]


class Rejected(NamedTuple):
    """A line that cannot be fed, and why, in words."""

    line: int
    reason: str

    def as_record(self) -> RejectedLine:
        """As ``control/run`` holds it."""
        return {"line": self.line, "reason": first_line(self.reason, MAX_REASON)}


Read: TypeAlias = Row | Rejected


def read_rows(file: Path) -> Iterator[Read]:
    """The rows of ``file``, by its ending ``.jsonl``, ``.ndjson`` or ``.csv``; blank lines are passed over.

    Raises :class:`InvalidInput` where the file as a whole cannot be read: missing, of another ending, or
    a CSV whose header does not name its columns.
    """
    readers = {".jsonl": _json_rows, ".ndjson": _json_rows, ".csv": _csv_rows}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(f"the ending says how it is read: {', '.join(readers)}", place=str(file))
    try:
        if file.exists() and not file.is_file():
            raise InvalidInput("cannot be read: it is no regular file", place=str(file))  # a pipe would never end
        with file.open("rb") as opened:
            yield from reader(_lines(opened), str(file))
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", place=str(file)) from error


def _lines(opened: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; ``None`` for one above 1 MiB, of which nothing is kept."""
    number = 0
    while content := opened.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            content = content.removeprefix(_BOM)
        if len(content) <= MAX_LINE_BYTES:
            yield number, content
            continue
        while content and not content.endswith(b"\n"):
            content = opened.readline(MAX_LINE_BYTES)
        yield number, None


_TOO_LONG: Final = f"longer than {MAX_LINE_BYTES:,} bytes"


def _json_rows(lines: Iterable[tuple[int, bytes | None]], _place: str) -> Iterator[Read]:
    for number, content in lines:
        if content is None:
            yield Rejected(number, _TOO_LONG)
        elif content.strip():
            yield _json_row(number, content)


def _json_row(number: int, content: bytes) -> Read:
    try:
        fields = parse_json(content.decode("utf-8").rstrip("\r\n"))
        if not isinstance(fields, dict):
            return Rejected(number, 'not an object: write {"field": value, …}')
        pack_value(fields)
    except UnicodeDecodeError as error:
        return Rejected(number, f"not UTF-8: byte 0x{content[error.start]:02x} at byte {error.start + 1}")
    except InvalidInput as error:
        return Rejected(number, str(error))
    return Row(number, fields)


def _csv_rows(lines: Iterable[tuple[int, bytes | None]], place: str) -> Iterator[Read]:
    too_long: list[int] = []
    current = 0

    def texts() -> Iterator[str]:
        nonlocal current
        for number, content in lines:
            current = number
            if content is None:
                too_long.append(number)
            else:
                # What is no UTF-8 becomes lone surrogates, which the row is then refused for.
                yield content.decode("utf-8", "surrogateescape")

    reader = csv.reader(texts(), strict=True)
    header: list[str] | None = None
    while True:
        first = current + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Rejected(first, f"not CSV: {error}")
            continue
        for number in too_long:
            yield Rejected(number, _TOO_LONG)
        too_long.clear()
        if cells is None:
            return
        if header is None:
            header = _header(cells, place)
        elif cells:
            yield _csv_row(current, header, cells)


def _header(cells: list[str], place: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = next((name for name in names if names.count(name) > 1), None) if len(names) <= MAX_COLUMNS else None
    if twice:
        raise InvalidInput(f"the column {twice[:80]!r} is there twice", place=f"{place}:1")
    if not names or "" in names or len(names) > MAX_COLUMNS or _LONE_SURROGATE.search("".join(names)):
        raise InvalidInput("the first line does not name the columns", place=f"{place}:1")
    return names


def _csv_row(line: int, header: list[str], cells: list[str]) -> Read:
    if len(cells) != len(header):
        return Rejected(line, f"has {len(cells)} values for {len(header)} columns")
    if _LONE_SURROGATE.search("".join(cells)):
        return Rejected(line, "not UTF-8")
    return Row(line, {name: _cell(cell) for name, cell in zip(header, cells, strict=True)})


def _cell(text: str) -> str | int | float:
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text

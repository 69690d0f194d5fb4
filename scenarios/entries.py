"""From rows to what is posted: keys filled from fields, and the same case twice seen."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from blackboard.codec import pack_value
from blackboard.errors import InvalidInput
from blackboard.keys import check_key
from knowledge_sources.nearest import did_you_mean
from scenarios.input import Read, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from blackboard.pattern import Pattern


class Entry(NamedTuple):
    """One record to post: the line it came from (0: written in the scenario), its key and its value."""

    line: int
    key: str
    value: Any
    ttl_ms: int | None = None


Prepared: TypeAlias = Entry | Rejected


def key_from(template: Pattern, fields: Mapping[str, Any]) -> str:
    """The key that ``template`` makes of ``fields``; raises :class:`InvalidInput` where it makes none."""
    return check_key(template.fill({name: _segment(name, fields) for name in template.captures}))


def _segment(name: str, fields: Mapping[str, Any]) -> str:
    if name not in fields:
        raise InvalidInput(f"has no field {name!r}, which the key needs{did_you_mean(name, [*fields][:100])}")
    value = fields[name]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InvalidInput(f"{name!r} is neither text nor a whole number, and cannot stand in a key")
    if not value or "/" in value:
        raise InvalidInput(f"{name!r} is {value[:80]!r}, which cannot stand in a key")
    return value


class Sieve:
    """Turns rows into entries under one template and refuses a key that it has seen.

    A line that repeats an earlier one is ``duplicate of line n``; one with the same key and other
    content ``conflicts with line n``.  Neither is posted.
    """

    def __init__(self, template: Pattern, ttl_ms: int | None = None) -> None:
        self._template = template
        self._ttl_ms = ttl_ms
        self._seen: dict[str, tuple[int, bytes]] = {}

    def entries(self, rows: Iterable[Read]) -> Iterator[Prepared]:
        """Each row as an entry, or as rejected with the reason."""
        for row in rows:
            yield row if isinstance(row, Rejected) else self._entry(row.line, row.fields)

    def _entry(self, line: int, fields: dict[str, Any]) -> Prepared:
        try:
            key = key_from(self._template, fields)
            pack_value(fields)  # refuses what no record holds
        except InvalidInput as error:
            return Rejected(line, str(error))
        digest = _content_digest(fields)
        earlier = self._seen.setdefault(key, (line, digest))
        if earlier[0] == line:
            return Entry(line, key, fields, self._ttl_ms)
        if earlier[1] == digest:
            return Rejected(line, f"{key}: duplicate of line {earlier[0]}")
        return Rejected(line, f"{key}: conflicts with line {earlier[0]}, which has other content")


def _content_digest(fields: dict[str, Any]) -> bytes:
    """The same for the same fields in any order."""
    return hashlib.blake2b(json.dumps(fields, sort_keys=True).encode(), digest_size=16).digest()

"""What the records at certain keys must look like: schemas bound to key patterns, asked at every write.

How a value is checked is the schema's own affair, so the board knows of no schema language.  A schema is also kept as a
record, ``control/schemas/<n>``, for processes that write to the board without being told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blackboard.errors import SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blackboard.pattern import Pattern


@dataclass(frozen=True, slots=True)
class Schema:
    """What a record at a key that ``pattern`` fits must be; its condition is not asked.

    ``fault`` says where and why a value is not, ``""`` where it is; it raises nothing.  ``document`` is the same as
    JSON Schema, as far as that can say it.
    """

    pattern: Pattern
    name: str
    fault: Callable[[Any], str]
    document: dict[str, Any]


class Schemas:
    """The schemas of a board, by region."""

    def __init__(self, schemas: Iterable[Schema]) -> None:
        self._by_region: dict[str, list[Schema]] = {}
        for schema in schemas:
            self._by_region.setdefault(schema.pattern.region, []).append(schema)

    def __bool__(self) -> bool:
        return bool(self._by_region)

    def check(self, key: str, value: object) -> None:
        """Raise :class:`SchemaMismatch` unless ``value`` is what every schema of ``key`` asks for."""
        for schema in self._by_region.get(key.partition("/")[0], ()):
            if schema.pattern.match_key(key) is not None:
                fault = schema.fault(value)
                if fault:
                    raise SchemaMismatch(key, schema.name, fault)

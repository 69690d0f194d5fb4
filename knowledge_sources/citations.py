"""What an agent cites, ``key@commit``: it must be there, as it was cited, and the agent's to cite.

A model names records that never were; here that is found out before anything of it is on the board.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.commit import Put
from blackboard.control_records import PROPOSALS
from blackboard.errors import InvalidInput
from blackboard.keys import check_key, region_of
from blackboard.pattern import Pattern
from blackboard.record import Record
from knowledge_sources.errors import Ungrounded
from knowledge_sources.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from blackboard.commit import Write
    from knowledge_sources.context import Reader

MAX_CITES: Final = 1_000
_REFERENCE: Final = re.compile(r"""([^\s@"'`()<>\[\]{},;*\\]{1,512})@([0-9]{1,9}-[0-9]{1,18})(?![0-9A-Za-z_-])""")
_NEIGHBOURS: Final = 1_000
"""records of a region among which the nearest is looked for"""


class Citation(NamedTuple):
    """A record as cited; commit ``""`` is whatever stands there."""

    key: str
    commit: str

    @property
    def text(self) -> str:
        return f"{self.key}@{self.commit}" if self.commit else self.key


@dataclass(frozen=True, slots=True)
class Cited:
    """What an agent returns with the records that it rests on: records, references ``key@commit``, or keys."""

    value: Any
    cites: Sequence[Record[Any] | str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.cites, str | Record):
            raise ValueError("Cited: cites is a list, as in cites=[refund]")  # noqa: TRY004  # as its neighbours do
        object.__setattr__(self, "cites", tuple(self.cites))


def citation_of(what: Record[Any] | str, commit: str = "") -> Citation:
    """What ``what`` cites: a record as it is, a reference, or a key at ``commit``; raises :class:`InvalidInput`."""
    if isinstance(what, Record):
        return Citation(what.key, what.commit)
    if not isinstance(what, str):
        raise InvalidInput(f"cannot cite {type(what).__name__}: give a record, key@commit, or a key")
    whole = _REFERENCE.fullmatch(what)
    if whole is not None and not commit:
        return Citation(whole[1], whole[2])
    return Citation(what if "{" in what else check_key(what), commit)


def references_in(writes: Iterable[Write]) -> Iterator[Citation]:
    """Every reference in the texts of what is written."""
    for write in writes:
        stack: list[Any] = [write.value] if isinstance(write, Put) else []
        while stack:
            value = stack.pop()
            if isinstance(value, str):
                yield from (Citation(found[1], found[2]) for found in _REFERENCE.finditer(value))
            elif isinstance(value, dict):
                stack.extend(value.values())
            elif isinstance(value, list | tuple):
                stack.extend(value)


def ground(cited: Iterable[Citation], reader: Reader, *, case: str, seen: Container[str], agent: str) -> dict[str, str]:
    """Key → commit of what is ``cited``; raises :class:`Ungrounded` for the first that does not hold.

    ``seen`` are the keys that the agent was given or has read: only those may belong to another case.
    """
    found: dict[str, str] = {}
    for citation in dict.fromkeys(cited):
        if len(found) >= MAX_CITES:
            raise Ungrounded(agent, f"cites more than {MAX_CITES:,} records")
        key = citation.key
        present = None if key.startswith(PROPOSALS) else reader.get(key)
        if present is None:
            raise Ungrounded(agent, f"cites {citation.text}, and there is no {key}{_hint(key, reader)}", key=key)
        if citation.commit and citation.commit != present.commit:
            by = f" by {present.author}" if present.author else ""
            told = f"cites {citation.text}, and {key} is at {present.commit}{by}"
            raise Ungrounded(agent, told, key=key)
        if present.case and case and present.case != case and key not in seen:
            told = f"cites {present.reference}, which belongs to {present.case} and which it was not given"
            raise Ungrounded(agent, told, key=key)
        found[key] = present.commit
    return found


def _hint(key: str, reader: Reader) -> str:
    """What there is instead."""
    try:
        records = reader.find(Pattern.parse(f"{region_of(key)}/**"))[:_NEIGHBOURS]
    except InvalidInput:
        return ""
    known = {record.key: record for record in records if not record.key.startswith(PROPOSALS)}
    near = nearest(key, known, 1) or list(known)[:1]
    if not near:
        return f"; the board has nothing under {region_of(key)}/"
    return f"; there is {known[near[0]].reference}"

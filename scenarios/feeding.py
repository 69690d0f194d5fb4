"""Posting a scenario's records: the opening ones first, then each line of the input as a case."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.commit import Absent, Put
from blackboard.errors import Conflict, InvalidInput, SchemaMismatch
from blackboard.history import changes_known
from blackboard.record import Stamp
from knowledge_sources.nearest import did_you_mean
from scenarios.entries import Entry, Prepared, Sieve
from scenarios.input import Rejected, read_rows
from scenarios.problem import InvalidScenario, Problem
from scenarios.record_models import InlineRecord
from scenarios.yaml_nodes import path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from blackboard.board import Board
    from scenarios.scenario import DocumentPath, Scenario

AUTHOR: Final = "input"
CHUNK: Final = 512
"""entries in flight at once: two calls' worth of grouped commits"""
REJECTED_KEPT: Final = 1_000
"""rejected lines that are kept with their reasons; more are counted"""


class Fed(NamedTuple):
    """What feeding came to.

    ``already`` counts the records that were there before, as they are when a run is resumed.
    """

    posted: int
    already: int
    rejected: tuple[Rejected, ...]
    """the first ones; a file of another kind has as many as it has lines"""
    rejected_count: int

    def __add__(self, other: object) -> Fed:
        if not isinstance(other, Fed):
            return NotImplemented
        return Fed(
            self.posted + other.posted,
            self.already + other.already,
            self.rejected + other.rejected[: REJECTED_KEPT - len(self.rejected)],
            self.rejected_count + other.rejected_count,
        )


NOTHING: Final = Fed(0, 0, (), 0)


async def feed_scenario(
    board: Board, scenario: Scenario, input_file: Path | None = None, *, before: Collection[str] = ()
) -> Fed:
    """Post all that ``scenario`` opens with; ``input_file`` stands in for its own ``input``.

    The opening records come first and in the order of the file, so that no line of the input meets a board
    without them.  Lines of the input are cases.  Where the scenario has no ``case``, its opening records are.
    ``before`` are the keys that were fed earlier (:func:`fed_before`): they are not posted again, even where
    nothing stands there any more.
    Raises :class:`InvalidInput` where a file cannot be read or an input has no ``case`` to go to.
    """
    fed = NOTHING
    for entries in _openings(scenario):
        fed += await feed(board, entries, case_of=case_of_key(scenario), before=before)
    file = input_of(scenario, input_file)
    if file is not None and scenario.case is not None:
        entries = Sieve(scenario.case).entries(read_rows(file))
        fed += await feed(board, entries, case_of=lambda key: key, before=before)
    return fed


def input_of(scenario: Scenario, input_file: Path | None = None) -> Path | None:
    """The file whose lines are the cases: ``input_file``, else the scenario's own, else none.

    Raises :class:`InvalidInput` where there is one and no ``case`` for it to go to.
    """
    file = input_file or (scenario.folder / scenario.input if scenario.input else None)
    if file is not None and scenario.case is None:
        raise InvalidInput("an input needs case: in the scenario, as in case: return/{rma}", place=str(scenario.file))
    return file


def check_files(scenario: Scenario, input_file: Path | None = None) -> None:
    """Look into every file that is to be fed; raises :class:`InvalidScenario` where one cannot be read at all."""
    found = file_problems(scenario, input_file)
    if found:
        raise InvalidScenario(found)


def file_problems(scenario: Scenario, input_file: Path | None = None) -> list[Problem]:
    """What keeps files that are to be fed from being read, each at the place where the scenario names it."""
    named: list[tuple[str, DocumentPath, Path]] = []
    for index, record in enumerate(scenario.records):
        if not isinstance(record, InlineRecord):
            path: DocumentPath = ("records", index, "from")
            named.append((scenario.place_of(path), path, scenario.folder / record.source))
    file = input_of(scenario, input_file)
    if file is not None:
        path = () if input_file is not None else ("input",)
        named.append((scenario.place_of(path) if path else "--input", path, file))
    return [Problem(place, path_text(path), told) for place, path, file in named if (told := _unreadable(file))]


def _unreadable(file: Path) -> str:
    try:
        next(read_rows(file), None)
    except InvalidInput as error:
        beside = [each.name for each in file.parent.iterdir()] if file.parent.is_dir() and not file.exists() else []
        return f"{error}{did_you_mean(file.name, beside)}"
    return ""


async def fed_before(board: Board) -> frozenset[str]:
    """The keys that were ever fed to ``board``, by its log: what a run that is taken up again need not post.

    Of what was trimmed only the records that stood at the horizon are known.
    """
    return frozenset([change.key async for change in changes_known(board.store) if change.author == AUTHOR])


def _openings(scenario: Scenario) -> Iterator[Iterable[Prepared]]:
    for record in scenario.records:
        if isinstance(record, InlineRecord):
            yield [Entry(0, record.key.fill({}), record.value, record.ttl_ms)]
        else:
            yield _from_file(scenario.folder / record.source, Sieve(record.key, record.ttl_ms))


def _from_file(file: Path, sieve: Sieve) -> Iterator[Prepared]:
    for prepared in sieve.entries(read_rows(file)):
        yield (
            prepared._replace(reason=f"{file.name}: {prepared.reason}") if isinstance(prepared, Rejected) else prepared
        )


def case_of_key(scenario: Scenario) -> Callable[[str], str]:
    """A record outside the input is a case where it has a case's key, or where the scenario says no ``case``."""
    template = scenario.case
    if template is None:
        return lambda key: key
    return lambda key: key if template.match_key(key) is not None else ""


async def feed(
    board: Board, entries: Iterable[Prepared], *, case_of: Callable[[str], str], before: Collection[str] = ()
) -> Fed:
    """Post each entry, if nothing is at its key; many at once, so that they share commits' round trips.

    The records' revisions follow the order of ``entries``.  Those at a key in ``before`` are passed over.
    """
    remaining = iter(entries)
    fed = NOTHING
    while chunk := list(islice(remaining, CHUNK)):
        rejected = tuple(one for one in chunk if isinstance(one, Rejected))
        wanted = [one for one in chunk if isinstance(one, Entry)]
        new = await asyncio.gather(*(_create(board, one, case_of(one.key)) for one in wanted if one.key not in before))
        unfit = tuple(one for one in new if isinstance(one, Rejected))
        posted, rejected = new.count(True), tuple(sorted((*rejected, *unfit)))
        fed += Fed(posted, len(wanted) - posted - len(unfit), rejected, len(rejected))
    return fed


async def _create(board: Board, entry: Entry, case: str) -> bool | Rejected:
    """Whether the record is new; one that is there already stays as it is, and one that no schema lets in is told."""
    try:
        await board.commit(
            [Absent(entry.key)], [Put(entry.key, entry.value, entry.ttl_ms)], stamp=Stamp(author=AUTHOR, case=case)
        )
    except Conflict:
        return False
    except SchemaMismatch as error:
        return Rejected(entry.line, str(error))
    if board.store.failpoints is not None:
        board.store.failpoints.hit("runner.while_feeding")
    return True

"""Who waits for which record that only others who wait would write: the wait-for graph of a board that is at rest.

Told from the records and the agents' patterns alone; a precondition is code and is not asked.  A circle in the graph
is a deadlock (R. C. Holt, "Some deadlock properties of computer systems", 1972): nobody in it can go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.pattern import Pattern
from controller.candidates import candidates, excluded_by
from knowledge_sources.circles import circles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from blackboard.control_records import Activation, Agent, WaitGraph
    from controller.candidates import Records
    from knowledge_sources.source import KnowledgeSource

MOST_WAITS: Final = 200
"""waits that are told; what is beyond them is left out, and that is said"""
MOST_STEPS: Final = 20_000
"""records that are looked at before the search settles for what it has"""


class Member(NamedTuple):
    """An agent as far as it matters here."""

    name: str
    watches: Mapping[str, Pattern]
    """by alias"""
    unless: tuple[Pattern, ...]
    contributes: tuple[Pattern, ...]


class Lacked(NamedTuple):
    """A record that is waited for: its key, as far as it is known, and who may write it."""

    key: str
    writers: tuple[str, ...]


class Wait(NamedTuple):
    """One that could not fire: what it has and what it lacks."""

    agent: str
    captures: Mapping[str, str]
    has: tuple[str, ...]
    """references of the records that are there"""
    lacks: tuple[Lacked, ...]

    @property
    def name(self) -> str:
        """What tells it from the others: ``ship(order=1)``."""
        bound = ", ".join(f"{name}={text}" for name, text in self.captures.items())
        return f"{self.agent}({bound})" if bound else self.agent


class WaitFor(NamedTuple):
    """The graph.  ``circles`` name waits, each after who it waits for; ``cut`` says that there is more."""

    waits: tuple[Wait, ...]
    circles: tuple[tuple[str, ...], ...]
    follows: Mapping[str, tuple[tuple[str, str], ...]]
    """name of a wait → the waits that it waits for, each with the key between them"""
    cut: bool
    blocks: bool = True
    """whether nothing else was done on what they have, so that the work itself has come to nothing"""

    def knotted(self, fired: Mapping[str, Sequence[Mapping[str, str]]]) -> WaitFor:
        """Those that can never go on: each lacks something that only others of them would write.

        ``fired`` are the captures under which agents have fired: who had a turn may simply have had no more to say.  In
        the OR model of waiting such a set is a knot (Holt); it is what is left once all that may go on are taken out.
        """
        left = {wait.name: wait for wait in self.waits if not _has_fired(wait, fired)}
        while True:
            stuck = {name: wait for name, wait in left.items() if self._stuck_keys(wait, left)}
            if len(stuck) == len(left):
                break
            left = stuck
        follows = {
            name: tuple((other, key) for other, key in self.follows[name] if key in self._stuck_keys(wait, left))
            for name, wait in left.items()
        }
        found = circles({name: sorted({other for other, _ in after} & left.keys()) for name, after in follows.items()})
        return WaitFor(
            tuple(left.values()), tuple(sorted(circle for circle in found if len(circle) > 1)), follows, self.cut
        )

    def _stuck_keys(self, wait: Wait, left: Mapping[str, Wait]) -> set[str]:
        """What ``wait`` lacks and only others in ``left`` would write."""
        led: dict[str, set[str]] = {}
        for other, key in self.follows.get(wait.name, ()):
            if other in left and other != wait.name:
                led.setdefault(key, set()).add(left[other].agent)
        return {one.key for one in wait.lacks if one.writers and set(one.writers) <= led.get(one.key, set())}

    def sentence(self) -> str:
        """The first circle, for a person: ``a deadlock: a(x=1) waits for c/1 from c(x=1), …``; ``""`` without one."""
        if not self.circles:
            return ""
        circle = self.circles[0]
        steps = []
        for name, after in zip(circle, (*circle[1:], circle[0]), strict=True):
            key = next(key for other, key in self.follows[name] if other == after)
            steps.append(f"{name} waits for {key} from {after}")
        more = f", and {len(self.circles) - 1} more like it" if len(self.circles) > 1 else ""
        return f"a deadlock: {', '.join(steps)}{more}"

    def as_record(self) -> WaitGraph:
        """The graph as a record keeps it."""
        return {
            "waits": [
                {
                    "name": wait.name,
                    "agent": wait.agent,
                    "captures": dict(wait.captures),
                    "has": list(wait.has),
                    "lacks": [{"key": one.key, "writers": list(one.writers)} for one in wait.lacks],
                }
                for wait in self.waits
            ],
            "edges": [[name, other, key] for name, after in self.follows.items() for other, key in after],
            "circles": [list(circle) for circle in self.circles],
            "cut": self.cut,
        }


def _has_fired(wait: Wait, fired: Mapping[str, Sequence[Mapping[str, str]]]) -> bool:
    """Whether the agent of ``wait`` has fired before, under captures that do not contradict those of ``wait``."""
    mine = wait.captures
    return any(all(mine.get(name, text) == text for name, text in one.items()) for one in fired.get(wait.agent, ()))


def member_of(source: KnowledgeSource) -> Member:
    """An agent as it is declared."""
    watches = {watch.alias: watch.pattern for watch in source.watches}
    return Member(source.name, watches, source.unless, source.contributes)


def member_of_record(agent: Agent) -> Member:
    """An agent as the registry has it."""
    return Member(
        agent["name"],
        {alias: Pattern.parse(text) for alias, text in agent["watches"].items()},
        tuple(Pattern.parse(text) for text in agent["unless"]),
        tuple(Pattern.parse(text) for text in agent["contributes"]),
    )


def standing_still(
    board: Records, sources: Iterable[KnowledgeSource], activations: Callable[[], Iterable[Activation]]
) -> WaitFor | None:
    """Who waits in a circle on ``board``, where nobody can fire any more, and who waits for those; ``None``: nobody.

    Costs next to nothing where no two agents could wait for each other by their patterns.
    """
    members = [member_of(source) for source in sources if source.kind == "agent"]
    begin = may_deadlock(members)
    graph = wait_for(board, members, begin) if begin else None
    if graph is None or not graph.circles:
        return None
    fired: dict[str, list[Mapping[str, str]]] = {}
    worked_on: set[str] = set()
    for activation in activations():
        fired.setdefault(activation["agent"], []).append(activation["captures"])
        worked_on.update(key for _, key, _ in activation["triggers"])
    knotted = graph.knotted(fired)
    if not knotted.circles:
        return None
    named = {name for circle in knotted.circles for name in circle}
    has = [key.rpartition("@")[0] for wait in knotted.waits if wait.name in named for key in wait.has]
    return knotted._replace(blocks=not worked_on.intersection(has))


def may_deadlock(members: Sequence[Member]) -> list[Member]:
    """Those that stand in a circle of who writes what whom watches, and have something else to wait beside; by patterns."""
    if all(len(one.watches) < 2 for one in members):
        return []
    writers: dict[str, list[tuple[str, Pattern]]] = {}
    for one in members:
        for pattern in one.contributes:
            writers.setdefault(pattern.region, []).append((one.name, pattern))
    waits = {
        one.name: sorted({
            name
            for pattern in one.watches.values()
            for name, written in writers.get(pattern.region, ())
            if written.overlaps(pattern)
        })
        for one in members
    }  # fmt: skip
    circled = {name for circle in circles(waits) for name in circle}
    if not circled:
        return []
    reaching = set(circled)
    while more := {name for name, after in waits.items() if name not in reaching and reaching & set(after)}:
        reaching |= more
    return [one for one in members if one.name in reaching and len(one.watches) > 1]


def wait_for(board: Records, members: Sequence[Member], begin: Iterable[Member]) -> WaitFor:
    """The waits of those in ``begin`` that have a part of what they watch, and of all that they wait for in turn."""
    search = _Search(board, members)
    for member in begin:
        for pattern in member.watches.values():
            for record in board.find(pattern):
                bound = pattern.match(record)
                if not search.step():
                    break
                if bound is not None:
                    search.follow(member, dict(bound))
    named = {name: [other for other, _ in after] for name, after in search.follows.items()}
    found = tuple(sorted(circles({name: sorted(after) for name, after in sorted(named.items())})))
    waits = tuple(search.waits[name] for name in sorted(search.waits))
    return WaitFor(waits, found, {name: search.follows[name] for name in sorted(search.waits)}, search.cut)


class _Search:
    """Follows waits from one to the next, each once."""

    def __init__(self, board: Records, members: Sequence[Member]) -> None:
        self._board = board
        self._members = {one.name: one for one in members}
        self.waits: dict[str, Wait] = {}
        self.follows: dict[str, tuple[tuple[str, str], ...]] = {}
        self.cut = False
        self._steps = 0

    def step(self) -> bool:
        """Whether one more record may be looked at."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            self.cut = True
        return not self.cut

    def follow(self, member: Member, captures: dict[str, str]) -> None:
        """Take in that ``member`` waits under ``captures``, if it does, and all that it waits for."""
        first = self._look(member, captures)
        open_waits = [first] if first is not None else []
        while open_waits:
            wait = open_waits.pop()
            if wait.name in self.waits:
                continue
            if len(self.waits) >= MOST_WAITS:
                self.cut = True
                return
            self.waits[wait.name] = wait
            after = []
            for other, key in self._writers_that_wait(wait):
                after.append((other.name, key))
                open_waits.append(other)
            self.follows[wait.name] = tuple(dict.fromkeys(after))

    def _writers_that_wait(self, wait: Wait) -> Iterator[tuple[Wait, str]]:
        for lacked in wait.lacks:
            for name in lacked.writers:
                writer = self._members[name]
                for captures in _bound_by(writer, lacked.key):
                    other = self._look(writer, captures)
                    if other is not None:
                        yield other, lacked.key

    def _look(self, member: Member, captures: dict[str, str]) -> Wait | None:
        """What ``member`` has and lacks under ``captures``; ``None`` where it lacks nothing, or is not to fire."""
        bound, has, lacking = dict(captures), [], []
        for pattern in sorted(member.watches.values(), key=lambda pattern: _free(pattern, captures)):
            found = next(candidates(self._board, pattern, bound), None)
            if found is None:
                lacking.append(pattern)
            else:
                record, more = found
                has.append(record.reference)
                bound |= more
        if not lacking or excluded_by(self._board, member.unless, bound) is not None:
            return None
        lacks = tuple(Lacked(key, self._writers(key)) for key in dict.fromkeys(_sought(p, bound) for p in lacking))
        return Wait(member.name, dict(sorted(bound.items())), tuple(sorted(has)), lacks)

    def _writers(self, key: str) -> tuple[str, ...]:
        sought = Pattern.parse(key)
        members = self._members.values()
        return tuple(sorted(one.name for one in members if any(p.overlaps(sought) for p in one.contributes)))


def _bound_by(writer: Member, key: str) -> Iterator[dict[str, str]]:
    """The captures under which ``writer`` would write ``key``, which may have free segments."""
    sought = Pattern.parse(key)
    for pattern in writer.contributes:
        if pattern.overlaps(sought):
            pairs = zip(pattern.segments, sought.segments, strict=False)
            yield {
                own.text: other.text
                for own, other in pairs
                if own.kind == "capture" and other.kind == "literal" and _names(writer, own.text)
            }


def _names(writer: Member, capture: str) -> bool:
    return any(capture in pattern.captures for pattern in writer.watches.values())


def _free(pattern: Pattern, captures: Mapping[str, str]) -> int:
    return sum(segment.kind != "literal" and segment.text not in captures for segment in pattern.segments)


def _sought(pattern: Pattern, captures: Mapping[str, str]) -> str:
    """The key that ``pattern`` looks for, as far as ``captures`` tell."""
    parts = []
    for segment in pattern.segments:
        if segment.kind == "capture":
            parts.append(captures.get(segment.text, "{" + segment.text + "}"))
        else:
            parts.append(segment.text)
    return "/".join(parts)

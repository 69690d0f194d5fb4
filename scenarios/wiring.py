"""What is wrong with how the agents of a scenario hang together, seen before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.pattern import Pattern
from knowledge_sources.dependencies import Dependencies
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.tokens import DIGEST
from scenarios.event_models import PostEvent
from scenarios.problem import Problem
from scenarios.yaml_nodes import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knowledge_sources.source import KnowledgeSource
    from scenarios.scenario import DocumentPath, Scenario


def fed_keys(scenario: Scenario) -> Iterator[tuple[DocumentPath, Pattern]]:
    """The path in the file and the key of everything that is posted from outside."""
    if scenario.case is not None:
        yield ("case",), scenario.case
    for index, record in enumerate(scenario.records):
        yield ("records", index, "key"), record.key
    for index, event in enumerate(scenario.events):
        if isinstance(event, PostEvent):
            yield ("events", index, *event.key_path), event.key


def dependencies_of(scenario: Scenario, sources: Sequence[KnowledgeSource]) -> Dependencies:
    """The dependencies of the team on each other and on what the scenario posts."""
    return Dependencies(sources, [key for _, key in fed_keys(scenario)])


def wiring_warnings(
    scenario: Scenario, sources: Sequence[KnowledgeSource], *, fed_rightly: bool = True
) -> list[Problem]:
    """A warning for each circle of waiting or of waking, agent that nothing can wake, and pair of rivals.

    Where what the scenario feeds is wrong already, or it feeds nothing, who starves is not told: all would.
    """
    found = dependencies_of(scenario, sources)
    fed = fed_rightly and found.fed
    return [
        *(_warning(scenario, circle[0], _deadlock(circle)) for circle in (found.deadlocks if fed else ())),
        *(_starved(scenario, found) if fed else ()),
        *(_warning(scenario, circle[0], _loop(circle)) for circle in found.loops),
        *(
            _warning(
                scenario,
                rivals.first,
                f"{rivals.first.name!r} and {rivals.second.name!r} may both write {rivals.key.text}, and nothing says "
                "which of them first: give one an unless, or let it watch what the other writes",
            )
            for rivals in found.rivals
        ),
        *_undigested(scenario, sources),
        *_unshared(scenario, sources),
    ]


def unread_notes(scenario: Scenario, sources: Sequence[KnowledgeSource]) -> list[Problem]:
    """What agents may write and neither an agent nor an expectation looks at: what the team is for, or a slip."""
    looked_at = [pattern for expectation in scenario.expect for pattern in _patterns_of(expectation)]
    return [
        _warning(scenario, source, f"nobody reads {written.text}, which {source.name!r} may write")
        for source, written in dependencies_of(scenario, sources).unread
        if not any(written.overlaps(pattern) for pattern in looked_at)
    ]


def _patterns_of(expectation: object) -> Iterator[Pattern]:
    for field in ("count", "eventually", "never"):
        pattern = getattr(expectation, field, None)
        if isinstance(pattern, Pattern):
            yield pattern
    yield from getattr(expectation, "order", ())


def _undigested(scenario: Scenario, sources: Sequence[KnowledgeSource]) -> Iterator[Problem]:
    """Agents that would wait for digests of what is too long for them, where nobody writes a digest of any of it."""
    written = [pattern for source in sources for pattern in source.contributes]
    for source in sources:
        digests = [Pattern.parse(DIGEST + watch.pattern.key_text) for watch in source.watches]
        if source.token_budget is None or any(one.overlaps(digest) for one in written for digest in digests):
            continue
        reason = f"its budget is {source.token_budget:,} tokens, and nobody writes {', '.join(map(str, digests))}"
        yield _warning(scenario, source, f"{source.name!r} would wait for ever for what is too long for it: {reason}")


def _unshared(scenario: Scenario, sources: Sequence[KnowledgeSource]) -> Iterator[Problem]:
    """Captures by which firings are shared or limited, and that no key has: a slip would go unnoticed."""
    known = {name for source in sources for name in source.captures}
    known.update(scenario.case.captures if scenario.case is not None else ())
    fair = scenario.policy.fair
    told: list[tuple[DocumentPath, str, str]] = [(("policy", "fair"), fair, "all share one turn")] if fair else []
    path: DocumentPath = ("limits", "running", "capture")
    told += [((*path, name), name, "it limits nothing") for name in scenario.limits.running.capture]
    for place, name, so in told:
        if name not in known:
            message = f"no agent and no case captures {name!r}, so {so}{did_you_mean(name, known)}"
            yield Problem(scenario.place_of(place), path_text(place), message)


def _deadlock(circle: Sequence[KnowledgeSource]) -> str:
    waiting = " waits for ".join(repr(source.name) for source in (*circle, circle[0]))
    return f"a deadlock: {waiting}, and nothing from outside begins it"


def _loop(circle: Sequence[KnowledgeSource]) -> str:
    waking = " wakes ".join(repr(source.name) for source in (*circle, circle[0]))
    return f"a circle: {waking}: it goes round for ever unless what is written ends a condition"


def _starved(scenario: Scenario, found: Dependencies) -> Iterator[Problem]:
    """Those that no circle explains: they wait for what nobody writes, or for one who waits for ever himself."""
    circled = {source.name for circle in found.deadlocks for source in circle}
    for one in found.starved:
        if one.source.name in circled:
            continue
        keys = ", ".join(watch.pattern.key_text for watch in one.missing)
        who = ", ".join(repr(writer.name) for writer in one.writers)
        reason = f"which only {who} would write, and nothing wakes that" if who else "which nobody writes"
        yield _warning(scenario, one.source, f"nothing can wake {one.source.name!r}: it watches {keys}, {reason}")


def _warning(scenario: Scenario, source: KnowledgeSource, message: str) -> Problem:
    path: DocumentPath = ("agents", source.name) if source.name in scenario.agents else ("agents_dir",)
    return Problem(scenario.place_of(path), path_text(path), message)

"""``why-not`` for a viewer: searched for beside the screen, on records that move on no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.errors import Corrupt, InvalidInput
from blackboard.keys import CONTROL_REGION
from blackboard.wording import counted
from controller.past import parsed
from controller.viewer.details.moment import at_rest, now_ms
from controller.viewer.details.page import Section
from controller.viewer.details.sentences import sentence_entries
from controller.viewer.sentence import Sentence
from controller.viewer.target import target_of
from controller.viewer.why_not_text import standings, why_not_lines
from controller.why_not import why_not

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from blackboard.control_records import Agent
    from blackboard.state import State
    from controller.viewer.sight import Sight
    from controller.why_not import WhyNot


class Found(NamedTuple):
    """A complete match that has no activation yet."""

    agent: str
    case: str
    sections: list[Section]
    """the records that it was found in, and how it stands"""


async def explained(sight: Sight, agent: Agent) -> list[Section]:
    """What keeps the agent from firing; a precondition, which is code, is not asked.

    Raises :class:`Corrupt` and :class:`InvalidInput` where records of it are not what the runtime writes.
    """
    state = at_rest(sight, {CONTROL_REGION, *regions_of(agent)})
    return await asyncio.to_thread(_sections, state, agent, sight.model.agenda, now_ms(sight))


async def found_as(sight: Sight, activation: str, agents: Iterable[Agent]) -> Found | None:
    """The match of one of ``agents`` that would fire as ``activation``, as far as the search for it goes."""
    asked = list(agents)
    state = at_rest(sight, {CONTROL_REGION}.union(*map(regions_of, asked)))
    return await asyncio.to_thread(_found, state, activation, asked, sight.model.agenda, now_ms(sight))


def regions_of(agent: Agent) -> set[str]:
    """The regions whose records count for whether an agent fires."""
    collected = [clause["pattern"] for clause in agent.get("collects", {}).values()]
    return {pattern.region for pattern in parsed([*agent["watches"].values(), *collected, *agent["unless"]])}


def _sections(state: State, agent: Agent, agenda: Mapping[str, Any] | None, now_ms: int) -> list[Section]:
    told = why_not(state, agent, {})
    standing = standings(told, agent, state, agenda)
    entries = sentence_entries(why_not_lines(told, standing, now_ms, narrowing=""))
    return [Section(f"Why it does not fire, as of revision {state.revision:,}", entries, "why-not")]


def _found(
    state: State, activation: str, agents: Sequence[Agent], agenda: Mapping[str, Any] | None, now_ms: int
) -> Found | None:
    for agent in agents:
        try:
            told = why_not(state, agent, {})
            matches = tuple(match for match in told.matches if match.activation == activation)
            if not matches:
                continue
            told = told._replace(matches=matches[:1])
            standing = standings(told, agent, state, agenda)
        except (Corrupt, InvalidInput):
            continue  # what is written there is no agent that could fire
        how = Section("How it stands", sentence_entries(why_not_lines(told, standing, now_ms, narrowing="")), "stands")
        records = matches[0].records
        case = (records[0].case or records[0].key) if records else ""
        return Found(agent["name"], case, [_found_in(told), how])
    return None


def _found_in(told: WhyNot) -> Section:
    """The records that make up a match."""
    match = told.matches[0]
    sentences = [Sentence(f"{alias}: {key}@{commit}", target_of(key, commit)) for alias, key, commit in match.triggers]
    return Section(f"Found in {counted(len(sentences), 'record')}", sentence_entries(sentences), "found")

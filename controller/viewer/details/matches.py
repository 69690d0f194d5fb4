"""``why-not`` for a viewer: searched for beside the screen, on records that move on no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.keys import CONTROL_REGION
from blackboard.wording import counted
from controller.past import parsed
from controller.viewer.details.moment import at_rest
from controller.viewer.details.page import Section
from controller.viewer.details.sentences import sentence_entries
from controller.viewer.sentence import Sentence
from controller.viewer.target import target_of
from controller.viewer.why_not_text import standings, why_not_lines
from controller.why_not import why_not

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import Agent
    from blackboard.state import State
    from controller.viewer.sight import Sight
    from controller.why_not import WhyNot


async def explained(sight: Sight, agent: Agent, now_ms: int, activation: str = "") -> list[Section]:
    """What keeps the agent from firing, or that one of its matches; a precondition, which is code, is not asked.

    Raises :class:`Corrupt` and :class:`InvalidInput` where records of it are not what the runtime writes.
    """
    state = at_rest(sight, {CONTROL_REGION, *regions_of(agent)})
    return await asyncio.to_thread(_sections, state, agent, sight.model.agenda, now_ms, activation)


def regions_of(agent: Agent) -> set[str]:
    """The regions whose records count for whether an agent fires."""
    collected = [clause["pattern"] for clause in agent.get("collects", {}).values()]
    return {pattern.region for pattern in parsed([*agent["watches"].values(), *collected, *agent["unless"]])}


def _sections(
    state: State, agent: Agent, agenda: Mapping[str, Any] | None, now_ms: int, activation: str
) -> list[Section]:
    told = why_not(state, agent, {})
    if activation:
        told = told._replace(matches=tuple(match for match in told.matches if match.activation == activation))
    standing = standings(told, agent, state, agenda)
    entries = sentence_entries(why_not_lines(told, standing, now_ms, narrowing=""))
    if not activation:
        return [Section(f"Why it does not fire, as of revision {state.revision:,}", entries, "why-not")]
    return [_found_in(told), Section("How it stands", entries, "stands")] if told.matches else []


def _found_in(told: WhyNot) -> Section:
    """The records that make up a match."""
    match = told.matches[0]
    sentences = [Sentence(f"{alias}: {key}@{commit}", target_of(key, commit)) for alias, key, commit in match.triggers]
    return Section(f"Found in {counted(len(sentences), 'record')}", sentence_entries(sentences), "found")

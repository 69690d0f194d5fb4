"""What a controller goes by, as far as the record of the run tells: what it does not say is as it is by default.

The record holds the scenario as its file says it.  Whoever has the server's credentials may have written another one,
so nothing here raises: what is not as a file would say it counts as not said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from blackboard.durations import parse_duration
from blackboard.errors import BlackboardError
from blackboard.pattern import Pattern
from controller.grouping import RunningLimits
from controller.settings import Settings, levels_of_run
from controller.strategy import DEFAULT_LEVELS, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Run

_MOST_POINTS: Final = 1_000_000


def settings_told(run: Run | None, agents: Iterable[str]) -> Settings:
    """The settings of ``run``; ``agents`` are the levels of the agents, in the order in which they came.

    Where nothing is kept of its scenario the levels are the usual ones, and after them what else the agents name.
    """
    defaults, document = Settings(), document_of(run)
    limits = _mapping(_mapping(document.get("limits")).get("running"))
    capabilities = _mapping(document.get("capabilities"))
    return Settings(
        levels=levels_of_run(run) or tuple(dict.fromkeys((*DEFAULT_LEVELS, *filter(None, agents)))),
        policy=_policy(_mapping(document.get("policy"))),
        max_running=_count(document.get("max_running")) or defaults.max_running,
        running=RunningLimits(_counts(limits.get("capability")), _counts(limits.get("capture"))),
        case=_pattern(document.get("case")),
        reroute_off=frozenset(
            name for name, one in capabilities.items() if _mapping(one).get("reroute") in (False, "off")
        ),
    )


def document_of(run: Run | None) -> Mapping[str, Any]:
    """The scenario of ``run``, empty where nothing is kept of it."""
    return run["settings"].get("document", {}) if run is not None else {}


def of_agent(document: Mapping[str, Any], name: str) -> tuple[float | None, int | None]:
    """The rating and the ``max_running`` that ``document`` states for an agent, each ``None`` where it states none."""
    said = _mapping(_mapping(document.get("agents")).get(name))
    rating: Any = said.get("rating")
    fits = _is_number(rating) and abs(rating) <= _MOST_POINTS
    return float(rating) if fits else None, _count(said.get("max_running"))


def _policy(said: Mapping[str, Any]) -> Policy:
    usual = Policy()
    fair = said.get("fair")
    return Policy(
        ageing_rate_per_s=_points(said.get("ageing"), usual.ageing_rate_per_s),
        ageing_cap=math.inf if said.get("cap") in (False, "off") else _points(said.get("cap"), usual.ageing_cap),
        tie="recency" if said.get("tie") == "recency" else "fifo",
        promote_after_ms=_duration_ms(said.get("promote_after")) or None,
        fair=fair if isinstance(fair, str) and fair != "off" else "",
    )


def _mapping(said: Any) -> Mapping[str, Any]:
    return said if isinstance(said, dict) else {}


def _is_number(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)


def _points(said: Any, usual: float) -> float:
    return float(said) if _is_number(said) and 0 <= said <= _MOST_POINTS else usual


def _count(said: Any) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else None


def _counts(said: Any) -> dict[str, int]:
    return {name: count for name, one in _mapping(said).items() if (count := _count(one)) is not None}


def _duration_ms(said: Any) -> int:
    try:
        return parse_duration(said) if isinstance(said, str) else 0
    except BlackboardError:
        return 0


def _pattern(said: Any) -> Pattern | None:
    try:
        return Pattern.parse(said) if isinstance(said, str) else None
    except BlackboardError:
        return None

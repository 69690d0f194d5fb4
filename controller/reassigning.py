"""Who can take over what another agent of the same capability was to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.errors import BlackboardError
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Activation
    from controller.matching import Match
    from knowledge_sources.source import KnowledgeSource


def heir_of(record: Activation, to: str, sources: Mapping[str, KnowledgeSource], matches: Iterable[Match]) -> Match:
    """The match with which ``to`` can do the work item of ``record``: one for the same case that shares a trigger.

    ``matches`` are those of ``to`` that have not fired.  Raises :class:`BlackboardError` that says why there is none.
    """
    if to == record["agent"]:
        raise BlackboardError(f"reassign: {to} has it already")
    source = sources.get(to)
    if source is None:
        raise BlackboardError(f"reassign: no agent {to!r} is here{did_you_mean(to, sorted(sources))}")
    if source.provides != record["capability"]:
        raise BlackboardError(f"reassign: {to} provides {source.provides}, not {record['capability']}")
    triggers = {(key, commit) for _, key, commit in record["triggers"]}
    fitting = [match for match in matches if triggers & {(r.key, r.commit) for r in match.records.values()}]
    if not fitting:
        raise BlackboardError(f"reassign: {to} does not match what set {record['agent']} off, or has fired on it")
    return min(fitting, key=lambda match: match.activation)

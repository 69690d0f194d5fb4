"""What a person may do from the viewer: which deeds are possible on what is looked at, as far as the board tells.

What comes of a deed is decided where it is done; this is what is offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.control_records import CONTROL, OVERRIDES
from controller.ordering import IN_FORCE, scope_of
from controller.overrides import PATHS, STANDING_WHERE_WIDE
from controller.viewer.target import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.control_records import Agent, Escalation, Override, State
    from blackboard.record import Record
    from controller.viewer.model import Model
    from controller.viewer.target import Target


class Deed(NamedTuple):
    """Something that can be done, and what it does in a line."""

    name: str
    told: str

    @property
    def word(self) -> str:
        """How a menu names it."""
        return self.name.replace("_", " ")


ANSWER: Final = Deed("answer", "answer the question")
FORCE: Final = Deed("force", "let it fire next, before all others")
HOLD: Final = Deed("hold", "keep it from firing for a while")
BOOST: Final = Deed("boost", "let it go sooner, or later")
VETO: Final = Deed("veto", "forbid it before it runs")
CANCEL: Final = Deed("cancel", "end it without a contribution")
EXTEND: Final = Deed("extend", "give it more time")
DECIDE: Final = Deed("decide", "contribute in the place of the agent")
REASSIGN: Final = Deed("reassign", "let another agent do it")
REVOKE: Final = Deed("revoke", "take an order back")
CHOOSE: Final = Deed("choose", "dispatch this one now, whoever is before it")
PAUSE: Final = Deed("pause", "let nothing more be dispatched")
RECOMMEND: Final = Deed("recommend", "let the controller say whom it would pick")
RESUME: Final = Deed("resume", "let the controller go on by itself")
STEP: Final = Deed("step", "let the next one be dispatched")
ACCEPT: Final = Deed("accept", "dispatch the one that is recommended")
POST: Final = Deed("post", "write a record")

ORDERS: Final = (FORCE, HOLD, BOOST, VETO, CANCEL, EXTEND, DECIDE, REASSIGN)
"""The orders, named by their verbs."""
DEEDS: Final[Mapping[str, Deed]] = {
    deed.name: deed
    for deed in (ANSWER, *ORDERS, REVOKE, CHOOSE, PAUSE, RECOMMEND, RESUME, STEP, ACCEPT, POST)
}  # fmt: skip


def deeds_for(target: Target | None, model: Model) -> list[Deed]:
    """What can be done about ``target``, or about the board as a whole, as ``model`` shows it now."""
    if target is None:
        return list(_on_the_board(model))
    meant = meant_by(target)
    found = list(_about(meant, model))
    if _any_in_force(meant, model):
        found.append(REVOKE)
    if meant.kind == "activation" and is_stopped(model) and state_of(meant.name, model) == "pending":
        found.append(CHOOSE)
    return found


def meant_by(target: Target) -> Target:
    """``target``, or what its record stands for where that is one of the runtime's own."""
    return target_of(target.name, target.commit) if target.kind == "record" else target


def state_of(activation: str, model: Model) -> State | None:
    """The state of an activation that has a record or is on the agenda; ``None`` for another."""
    record = model.activations.get(activation)
    if record is not None:
        state: State = record.value["state"]
        return state
    return "pending" if pending_in(model, activation) is not None else None


def pending_in(model: Model, activation: str) -> Mapping[str, Any] | None:
    """What the agenda says of a pending activation."""
    agenda = model.agenda or {}
    listed = (one for part in ("supervisors", "pending") for one in agenda.get(part, ()))
    return next((one for one in listed if one["activation"] == activation), None)


def facts_of(target: Target, model: Model) -> dict[str, str]:
    """What scopes look at of ``target``, as far as it is known: activation, agent, capability, case."""
    if target.kind in ("activation", "question"):
        record = model.activations.get(target.name)
        known: Mapping[str, Any] = record.value if record is not None else pending_in(model, target.name) or {}
        agent = str(known.get("agent", ""))
        provided = capabilities_of(agent, model)
        capability = known.get("capability") or (provided[0] if len(provided) == 1 else "")
        found = {"activation": target.name, "agent": agent, "capability": capability, "case": known.get("case", "")}
    elif target.kind == "record":
        present = model.get(target.name)
        found = {"case": present.case if present is not None else ""}
    else:
        found = {target.kind: target.name}
    return {part: text for part, text in found.items() if text}


def capabilities_of(agent: str, model: Model) -> Sequence[str]:
    """What ``agent`` provides, as it is registered."""
    record = model.agents.get(agent)
    return record.value["capabilities"] if record is not None else ()


def heirs_of(target: Target, model: Model) -> list[str]:
    """The agents that the activation ``target`` can be reassigned to: ready, and of the same capability."""
    facts = facts_of(target, model)
    wanted = {facts["capability"]} if "capability" in facts else set(capabilities_of(facts.get("agent", ""), model))
    entries: Iterator[tuple[str, Agent]] = ((name, record.value) for name, record in model.agents.items())
    return sorted(
        name
        for name, entry in entries
        if name != facts.get("agent") and entry["status"] == "ready" and wanted & set(entry["capabilities"])
    )


def orders_about(target: Target | None, model: Model) -> list[tuple[str, Override]]:
    """Id and record of each order in force that is about ``target``, the oldest first; ``None``: about anything."""
    found = sorted(_in_force(target, model), key=lambda item: item[1].revision)
    return [(name, record.value) for name, record in found]


def _in_force(target: Target | None, model: Model) -> Iterator[tuple[str, Record[Any]]]:
    facts = facts_of(target, model) if target is not None else {}
    for name, record in model.overrides.items():
        if record.value["status"] in IN_FORCE and (target is None or _is_about(name, record.value, target, facts)):
            yield name, record


def _any_in_force(target: Target | None, model: Model) -> bool:
    return next(_in_force(target, model), None) is not None


def _is_about(name: str, order: Override, target: Target, facts: Mapping[str, str]) -> bool:
    scope = scope_of(order)
    if target.kind == "record":
        return OVERRIDES + name == target.name or scope == {"pattern": target.name}
    if target.kind in ("activation", "question"):
        return _covers(scope, facts)
    return scope.get(target.kind) == target.name


def _covers(scope: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    """Whether an order may be about what has ``facts``; a pattern is not asked, since no records are at hand."""
    parts = {part: text for part, text in scope.items() if part != "pattern"}
    return bool(parts) and all(facts.get(part) == text for part, text in parts.items())


def question_of(target: Target, model: Model) -> Escalation | None:
    """The open question that ``target`` is, or waits for; ``None`` where there is none."""
    record = model.questions.get(target.name) if target.kind in ("question", "activation") else None
    if record is None or record.value["status"] != "open":
        return None
    question: Escalation = record.value
    return question


def is_stopped(model: Model) -> bool:
    """Whether nothing fires by itself."""
    return model.flow is not None and model.flow["mode"] != "running"


def _on_the_board(model: Model) -> Iterator[Deed]:
    mode = model.flow["mode"] if model.flow is not None else "running"
    if mode != "running":
        yield from (RESUME, STEP)
        if model.recommendation is not None:
            yield ACCEPT
    if mode != "paused":
        yield PAUSE
    if mode != "recommend":
        yield RECOMMEND
    yield POST
    if _any_in_force(None, model):
        yield REVOKE


def _about(target: Target, model: Model) -> Iterator[Deed]:
    if target.kind in ("question", "activation"):
        if question_of(target, model) is not None:
            yield ANSWER
        state = state_of(target.name, model)
        possible = [deed for deed in ORDERS if state is not None and (deed.name, state) in PATHS]
        yield from (deed for deed in possible if deed != REASSIGN or heirs_of(target, model))
    elif target.kind == "agent":
        if target.name in model.agents:
            yield from _wide()
    elif target.kind == "case":
        yield POST
        yield from _wide()
    elif not target.name.startswith(CONTROL):
        yield POST
        if model.get(target.name) is not None:
            yield from _wide()


def _wide() -> Iterator[Deed]:
    """Orders that can be about more than one activation: all but those that are made for one."""
    yield from (deed for deed in ORDERS if deed.name in STANDING_WHERE_WIDE or deed == CANCEL)

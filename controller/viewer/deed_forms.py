"""What is asked before each deed, with what is known of it filled in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from blackboard.errors import PatternError
from blackboard.keys import CONTROL_REGION, region_of
from blackboard.pattern import Pattern
from blackboard.terminal import format_json
from blackboard.wording import first_line
from controller.ordering import scope_of
from controller.overrides import STANDING, STANDING_WHERE_WIDE
from controller.settings import levels_of_run
from controller.strategy import DEFAULT_LEVELS
from controller.viewer.answer_form import answer_fields, background
from controller.viewer.deeds import (
    ACCEPT,
    ANSWER,
    BOOST,
    CHOOSE,
    DECIDE,
    EXTEND,
    ORDERS,
    POST,
    REASSIGN,
    REVOKE,
    STEP,
    VETO,
    capabilities_of,
    facts_of,
    heirs_of,
    meant_by,
    orders_about,
    pending_in,
    question_of,
    state_of,
)
from controller.viewer.forms import Choice, Field, Form, reason_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from blackboard.control_records import Override
    from controller.viewer.deeds import Deed
    from controller.viewer.model import Model
    from controller.viewer.target import Target

Asked: TypeAlias = tuple[tuple[Field, ...], tuple[str, ...]]
"""fields, and what one should know before they are filled in"""
SCOPE: Final = "scope"
ABSENT: Final = "absent"
NO_GUARD: Final = ""
MOST_EDITED: Final = 10_000
"""characters of a value that are put into a field to be changed there"""


def form_for(deed: Deed, target: Target | None, model: Model) -> Form:
    """What is to be filled in to do ``deed`` about ``target``; without one, on the board as a whole."""
    meant = meant_by(target) if target is not None else None
    asked: Asked = (), ()
    if meant is not None and deed in ORDERS:
        asked = tuple(_order_fields(deed, meant, model)), _told(meant, model)
    elif deed in _FORMS:
        asked = _FORMS[deed](meant, model)
    return Form(f"{deed.word} · {named(meant, model)}", (*asked[0], reason_field()), target, asked[1])


def named(target: Target | None, model: Model) -> str:
    """What ``target`` is, for a title; ``None`` is the board."""
    if target is None:
        return f"board {model.board}"
    facts = facts_of(target, model)
    if target.kind in ("activation", "question"):
        return f"{facts.get('agent', 'activation')} for {facts.get('case', target.name)}"
    return f"{target.kind} {target.name}" if target.kind != "record" else target.name


def _told(target: Target, model: Model) -> tuple[str, ...]:
    """What is known of what an order would be about."""
    if target.kind not in ("activation", "question"):
        return ()
    record = model.activations.get(target.name)
    reason = record.value.get("reason", "") if record is not None else ""
    state = f"it is {state_of(target.name, model)}" + (f": {first_line(reason, 300)}" if reason else "")
    question = question_of(target, model)
    return (state, question["question"]) if question is not None else (state,)


def _order_fields(deed: Deed, target: Target, model: Model) -> Iterator[Field]:
    scopes = tuple(_scopes(deed, target, model))
    yield Field(SCOPE, "about", choices=scopes, initial=scopes[0].value, required=True)
    if "pattern" not in json.loads(scopes[0].value) and target.kind in ("agent", "case"):
        yield Field("pattern", "set off by", "pattern", hint="only what such a record sets off; empty: all")
    if deed == BOOST:
        yield Field("points", "points", "number", hint="added to its score; below 0 it goes later")
        listed = levels_of_run(model.run) or DEFAULT_LEVELS
        levels = (Choice("", "its own level"), *(Choice(level, f"as {level}") for level in listed))
        yield Field("level", "level", choices=levels)
    if deed == EXTEND:
        yield Field("by", "how long", "duration", required=True, hint="from now, as in 10m")
    if deed == DECIDE:
        yield from _decide_fields(target, model)
    if deed == REASSIGN:
        heirs = tuple(Choice(name, name) for name in heirs_of(target, model))
        yield Field("to", "to", choices=heirs, required=True)
    if deed.name in STANDING or deed == VETO:
        yield Field("lasts", "how long", "duration", hint="as in 10m; empty: until it is revoked")


def _scopes(deed: Deed, target: Target, model: Model) -> Iterator[Choice]:
    """What an order about ``target`` can be about, the narrowest first; each is a scope as JSON."""
    facts = facts_of(target, model)
    agent, case = facts.get("agent", ""), facts.get("case", "")
    if target.kind in ("activation", "question"):
        yield _scope("this activation", activation=target.name)
        if deed.name not in STANDING_WHERE_WIDE:
            return
        if agent and case:
            yield _scope(f"{agent} for {case}", agent=agent, case=case)
    elif target.kind == "record":
        yield _scope(f"what {target.name} sets off", pattern=target.name)
    if agent:
        yield _scope(f"all work of {agent}", agent=agent)
    if case:
        yield _scope(f"all work for {case}", case=case)
    capabilities = [facts["capability"]] if "capability" in facts else capabilities_of(agent, model)
    for capability in capabilities:
        if capability != agent:
            yield _scope(f"all agents that provide {capability}", capability=capability)


def _scope(label: str, **parts: str) -> Choice:
    return Choice(json.dumps(parts), label)


def _decide_fields(target: Target, model: Model) -> Iterator[Field]:
    """The value and, where the agent may write to more than one key, which."""
    record = model.activations.get(target.name)
    agent = model.agents.get(facts_of(target, model).get("agent", ""))
    captures = record.value["captures"] if record is not None else {}
    patterns = agent.value["contributes"] if agent is not None else []
    keys = [_bound(pattern, captures) for pattern in patterns]
    told = f"JSON; it is written to {keys[0] or patterns[0]}" if len(patterns) == 1 else "JSON"
    yield Field("value", "value", "json", required=True, hint=told)
    if len(keys) > 1 and all(keys):
        yield Field("key", "written to", choices=tuple(Choice(key, key) for key in dict.fromkeys(keys)), required=True)
    elif len(patterns) != 1:
        hint = f"one that fits {' or '.join(patterns)}" if patterns else "empty: the one that the agent contributes to"
        yield Field("key", "written to", "key", required=len(patterns) > 1, hint=hint)


def _bound(pattern: str, captures: Mapping[str, str]) -> str:
    try:
        return Pattern.parse(pattern).bind(captures) or ""
    except PatternError:
        return ""


def _revoke_form(target: Target | None, model: Model) -> Asked:
    listed = tuple(Choice(name, _described(order)) for name, order in orders_about(target, model))
    initial = listed[0].value if len(listed) == 1 else ""
    return (Field("order", "order", choices=listed, initial=initial, required=True),), ()


def _described(order: Override) -> str:
    about = ", ".join(f"{part} {text}" for part, text in scope_of(order).items())
    return f"{order['verb']} {about}, by {order['author']}: {first_line(order['reason'], 80)}"


def _answer_form(target: Target | None, model: Model) -> Asked:
    question = question_of(target, model) if target is not None else None
    if question is None:
        return (), ("the question is not open any more",)
    return answer_fields(question), tuple(background(question))


def _step_form(_: Target | None, __: Model) -> Asked:
    return (Field("count", "how many", "integer", initial="1", required=True),), ()


def _accept_form(_: Target | None, model: Model) -> Asked:
    told = model.recommendation
    return (), (f"recommended: {told['agent']} for {told['case']}",) if told is not None else ()


def _choose_form(target: Target | None, model: Model) -> Asked:
    one = pending_in(model, target.name) if target is not None else None
    return (), (f"at level {one['level']}, score {one['score']:.1f}",) if one is not None else ()


def _post_form(target: Target | None, model: Model) -> Asked:
    """A record to write; one that is there is guarded by the commit that was looked at, unless told otherwise."""
    key = target.name if target is not None and target.kind == "record" else ""
    present = model.get(key) if key and region_of(key) != CONTROL_REGION else None
    guards = [Choice(ABSENT, "only if there is none yet"), Choice(NO_GUARD, "whatever stands there")]
    if present is not None:
        guards.insert(0, Choice(present.commit, f"only if it is still as {present.commit} wrote it"))
    case = present.case if present is not None else target.name if target is not None and target.kind == "case" else ""
    value, hint = _editable(present.value) if present is not None else ("", 'JSON, as in {"amount": 20} or "on"')
    return (
        Field("key", "key", "key", initial=key, required=True),
        Field("value", "value", "json", initial=value, required=True, hint=hint),
        Field("guard", "guard", choices=tuple(guards), initial=guards[0].value),
        Field("case", "case", "key", initial=case, hint="empty: that of what stands there, else its own"),
    ), ()


def _editable(value: Any) -> tuple[str, str]:
    """``value`` as it can be changed in a field, and what to say beside it."""
    try:
        text = json.dumps(value, ensure_ascii=False)  # no foreign type: what is typed must be the same value again
    except TypeError:
        return "", "JSON; what stands there holds bytes, which JSON cannot say"
    if len(text) > MOST_EDITED:
        return "", f"JSON; what stands there is too long to be changed here ({len(text):,} characters)"
    return format_json(value), "JSON"


_FORMS: Final[Mapping[Deed, Callable[[Target | None, Model], Asked]]] = {
    ANSWER: _answer_form,
    REVOKE: _revoke_form,
    STEP: _step_form,
    ACCEPT: _accept_form,
    CHOOSE: _choose_form,
    POST: _post_form,
}

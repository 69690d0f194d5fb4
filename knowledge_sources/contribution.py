"""From what an agent wrote and returned to a commit's writes: keys that it declared, values that a record can hold."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final

from blackboard.codec import check_value
from blackboard.errors import InvalidInput
from blackboard.keys import check_key
from knowledge_sources.annotations import sentence
from knowledge_sources.answer_schema import schema_fault
from knowledge_sources.citations import Cited
from knowledge_sources.confidence import Sure
from knowledge_sources.declaration import NEW
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.orders import ORDERS, Decide
from knowledge_sources.outcome import NOTHING, Contribution, Escalate
from knowledge_sources.verdict import Pass, Reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_sources.context import Context
    from knowledge_sources.orders import Order
    from knowledge_sources.outcome import Outcome
    from knowledge_sources.source import KnowledgeSource

_CAPTURE: Final = re.compile(r"\{([^{}]*)\}")


def settle(source: KnowledgeSource, ctx: Context, result: object) -> Outcome:
    """What the run of ``source`` that returned ``result`` comes to; raises :class:`InvalidContribution`."""
    if isinstance(result, (Pass, Reject)) or source.validates is not None:
        return _judged(source, ctx, result)
    if type(result) is Cited:
        result = _value_of(ctx, result)
    if isinstance(result, Escalate):
        _check_wrote_nothing(source, ctx, "a question")
        _check_answerable(source, result)
        return _addressed(source, ctx, result)
    orders = () if result is None or type(result) is dict else _orders_in(result)
    if orders:
        _check_wrote_nothing(source, ctx, "an order")
        return tuple(_authorised(source, order) for order in orders)
    if type(result) is Sure:
        return _sure(source, ctx, result)
    if result is not None:
        for key, value in _returned(source, ctx, result):
            ctx.put(key, value)
    writes, updates = ctx.written()
    if not writes and not updates:
        return NOTHING
    if source.cites or ctx.cited:
        ctx.ground(writes)
    return Contribution(writes, updates)


def _value_of(ctx: Context, cited: Cited) -> object:
    """What was returned together with what it rests on, which is cited here."""
    for one in cited.cites:
        ctx.note_cited(one)
    return cited.value


def _judged(source: KnowledgeSource, ctx: Context, result: object) -> Pass | Reject:
    """The verdict of a validator, which gives one and nothing else."""
    if not isinstance(result, (Pass, Reject)):
        what = "nothing" if result is None else type(result).__name__
        raise InvalidContribution(source.name, f"returned {what}; a validator returns Pass() or Reject(reason)")
    if source.validates is None:
        raise InvalidContribution(source.name, "returned a verdict, but declares no validates")
    _check_wrote_nothing(source, ctx, "a verdict")
    return result


def _sure(source: KnowledgeSource, ctx: Context, judged: Sure) -> Contribution:
    """A contribution with the confidence in it."""
    if isinstance(judged.value, (Sure, Escalate, *ORDERS)):
        raise InvalidContribution(source.name, f"is sure of {type(judged.value).__name__}, which is no value")
    if judged.value is not None:
        for key, value in _returned(source, ctx, judged.value):
            ctx.put(key, value)
    writes, updates = ctx.written()
    if (source.cites or ctx.cited) and (writes or updates):
        ctx.ground(writes)
    return Contribution(writes, updates, judged.confidence, judged.reason)


def _returned(source: KnowledgeSource, ctx: Context, result: object) -> list[tuple[str, Any]]:
    """The keys and values that ``result`` means: one where the agent declared one key, else a mapping of them."""
    if type(result) is Cited:
        result = _value_of(ctx, result)
    if not source.contributes:
        raise InvalidContribution(source.name, "returned a value, but declares no contributes")
    target = source.target
    if target is not None:
        key = ctx.fresh_key(target)
        return [(key, _modelled(source, key, result))]
    if type(result) is not dict or not all(type(key) is str for key in result):
        raise InvalidContribution(
            source.name, f"returned {type(result).__name__}; {_declared(source)} needs a dict of key: value"
        )
    writes = []
    for template, value in result.items():
        key = allowed_key(source, ctx, template)
        if type(value) is Cited:
            value = _value_of(ctx, value)  # noqa: PLW2901  # the value without what it rests on
        writes.append((key, storable(source, key, value)))
    return writes


def allowed_key(source: KnowledgeSource, ctx: Context, template: str) -> str:
    """``template`` with its captures filled, if the agent declared it; raises :class:`InvalidContribution`."""
    key = fill(source, ctx, template)
    captures = ctx.captures
    for pattern in source.contributes:
        found = pattern.match_key(key)
        if found is not None and all(_agrees(ctx, name, text) for name, text in found.items()):
            return key
    raise InvalidContribution(source.name, f"may not write {key}: {_declared(source)}{_bound(captures)}", key=key)


def _agrees(ctx: Context, name: str, text: str) -> bool:
    if name == NEW:
        return text.startswith(ctx.activation + "-")
    return ctx.captures.get(name) == text


def filled_pattern(text: str, captures: Mapping[str, str]) -> str:
    """``text`` with ``captures`` in its key template; other captures stay free, and so does the condition."""
    template, *condition = text.split(maxsplit=1)
    for name, capture in captures.items():
        template = template.replace(f"{{{name}}}", capture)
    return " ".join((template, *condition))


def fill(source: KnowledgeSource, ctx: Context, template: str) -> str:
    """``template`` with this activation's captures in the place of ``{…}``, checked as a key."""

    def text(found: re.Match[str]) -> str:
        name = found[1]
        if name == NEW:
            return ctx.fresh_name()
        if name not in ctx.captures:
            raise InvalidContribution(source.name, f"{{{name}}} in {template!r} is no capture{_bound(ctx.captures)}")
        return ctx.captures[name]

    try:
        return check_key(_CAPTURE.sub(text, template) if "{" in template else template)
    except (InvalidInput, TypeError) as error:
        raise InvalidContribution(source.name, str(error), key=str(template)) from error


def storable(source: KnowledgeSource, key: str, value: object) -> Any:
    """``value`` as a record holds it, a model or dataclass as a dict; raises :class:`InvalidContribution`."""
    plain = value if type(value) is dict else _plain(value)
    try:
        check_value(plain)
    except InvalidInput as error:
        raise InvalidContribution(source.name, f"cannot write {key}: {error}", key=key) from error
    return plain


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value


def _modelled(source: KnowledgeSource, key: str, result: object) -> Any:
    """``result`` as the return annotation's model says, where there is one."""
    model = source.output_model
    if model is None:
        return storable(source, key, result)
    try:
        checked = result if isinstance(result, model) else model.model_validate(_plain(result))
    except ValueError as error:
        reason = f"returned what is not the {model.__name__} of its annotation: {sentence(error)}"
        raise InvalidContribution(source.name, reason, key=key) from error
    return storable(source, key, checked)


def _check_answerable(source: KnowledgeSource, question: Escalate) -> None:
    if question.schema is not None:
        fault = schema_fault(question.schema)
        if fault:
            raise InvalidContribution(source.name, f"asked with a schema that is no JSON Schema: {fault}")


def _addressed(source: KnowledgeSource, ctx: Context, question: Escalate) -> Escalate:
    """``question`` with the complete key of its answer; ``""`` where no key is known, so that none is written."""
    if question.answer_to:
        key = allowed_key(source, ctx, question.answer_to)
    else:
        target = source.target
        key = "" if target is None else ctx.fresh_key(target)
    return dataclasses.replace(question, answer_to=key)


def _orders_in(result: object) -> tuple[Order, ...]:
    """The order, or the list of orders, that was returned; empty where it is something else."""
    if isinstance(result, ORDERS):
        return (result,)
    if isinstance(result, list) and result and all(isinstance(one, ORDERS) for one in result):
        return tuple(result)
    return ()


def _authorised(source: KnowledgeSource, order: Order) -> Order:
    if source.kind != "supervisor":
        raise InvalidContribution(source.name, f"returned the order {order.verb}, but is no supervisor")
    if order.verb not in source.authority:
        has = ", ".join(sorted(source.authority)) or "none"
        raise InvalidContribution(source.name, f"has no authority to {order.verb}; it has: {has}")
    if isinstance(order, Decide):
        value = storable(source, order.key or "the decision", order.value)
        return dataclasses.replace(order, value=value)
    return order


def _check_wrote_nothing(source: KnowledgeSource, ctx: Context, what: str) -> None:
    writes, updates = ctx.written()
    if writes or updates:
        keys = ", ".join(write.key for write in (*writes, *updates))
        raise InvalidContribution(source.name, f"returned {what} and also wrote {keys}: it can do only one of these")


def _declared(source: KnowledgeSource) -> str:
    if not source.contributes:
        return "it declares no contributes"
    return "it contributes " + ", ".join(pattern.text for pattern in source.contributes)


def _bound(captures: Mapping[str, str]) -> str:
    return f" (with {', '.join(f'{k}={v}' for k, v in captures.items())})" if captures else ""

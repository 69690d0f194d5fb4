"""How the parameters of an agent's function are filled, decided once, when the agent is declared.

Each parameter becomes one reader, a closure from the matched records, the captures and the context to
the argument, so that an invocation looks nothing up.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from blackboard import codec
from blackboard.errors import InvalidInput
from blackboard.record import Record
from knowledge_sources.annotations import Namespace, describe, resolve, sentence, validator_of
from knowledge_sources.collect import Collecting, Members
from knowledge_sources.context import Context
from knowledge_sources.errors import InvalidTrigger
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.overdue import Overdue
from knowledge_sources.thread_context import ThreadContext
from knowledge_sources.tick import TICK, Tick

if TYPE_CHECKING:
    from knowledge_sources.declaration import Watch

Kind: TypeAlias = Literal["value", "model", "record", "capture", "context", "overdue", "tick", "members"]
Records: TypeAlias = Mapping[str, Any]
"""Alias → its record, or of a collect the :class:`Members`, which are records."""
Captures: TypeAlias = Mapping[str, str]
Reader: TypeAlias = Callable[[Records, Captures, Any], Any]

_CONTEXT_TEXTS: Final = frozenset({"Context", "ThreadContext"})


class Input(NamedTuple):
    """One parameter: what fills it, and from which watch's alias or which capture."""

    parameter: str
    kind: Kind
    source: str
    """the alias of a watch, the name of a capture, or ``""`` for the context"""
    annotation: Any
    """what a ``model`` is validated against, and the value of a ``record`` and of ``members``; else ``None``"""
    as_records: bool = False
    """whether ``members`` are given as records"""


class Binding:
    """The call of one function: its inputs, and the readers that give its arguments."""

    __slots__ = ("inputs", "keywords", "positional")

    def __init__(self, inputs: tuple[Input, ...], positional: tuple[Reader, ...], keywords: dict[str, Reader]) -> None:
        self.inputs = inputs
        self.positional = positional
        self.keywords = keywords

    def call(
        self, fn: Callable[..., Any], first: tuple[Any, ...], records: Records, captures: Captures, ctx: Any
    ) -> Any:
        """``fn(*first, …)`` with every parameter filled; raises :class:`InvalidTrigger`."""
        arguments = [read(records, captures, ctx) for read in self.positional]
        if not self.keywords:
            return fn(*first, *arguments)
        return fn(*first, *arguments, **{name: read(records, captures, ctx) for name, read in self.keywords.items()})


def bind(
    fn: Callable[..., Any],
    watches: tuple[Watch | Collecting, ...],
    captures: tuple[str, ...],
    namespace: Namespace,
    *,
    skip: int = 0,
) -> Binding:
    """The binding of ``fn`` without its first ``skip`` parameters; raises :class:`InvalidInput` naming a parameter."""
    inputs: list[Input] = []
    positional: list[Reader] = []
    keywords: dict[str, Reader] = {}
    aliases = {watch.alias: isinstance(watch, Collecting) for watch in watches}
    gap = False
    for parameter in list(inspect.signature(fn).parameters.values())[skip:]:
        found = _input(parameter, aliases, captures, namespace)
        if found is None:
            gap = True
            continue
        inputs.append(found)
        reader = _reader(found)
        if parameter.kind is parameter.KEYWORD_ONLY or gap:
            keywords[found.parameter] = reader
        else:
            positional.append(reader)
    return Binding(tuple(inputs), tuple(positional), keywords)


def _input(
    parameter: inspect.Parameter,
    aliases: Mapping[str, bool],
    captures: tuple[str, ...],
    namespace: Namespace,
) -> Input | None:
    """What fills ``parameter``; ``None`` leaves it at its default.  ``aliases`` says of each whether it collects."""
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise InvalidInput(f"parameter {name!r}: * and ** cannot be bound; name each parameter")
    if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is not parameter.empty:
        raise InvalidInput(f"parameter {name!r}: a positional-only parameter cannot have a default")
    if name == "ctx" or parameter.annotation in _CONTEXT_TEXTS:
        return Input(name, "context", "", None)
    annotation = resolve(name, parameter.annotation, namespace)
    by_type = _input_by_type(name, annotation, aliases)
    if by_type is not None:
        return by_type
    if name in aliases:
        try:
            return _members_input(name, annotation) if aliases[name] else _record_input(name, annotation)
        except InvalidInput as error:
            raise InvalidInput(f"parameter {name!r}: {error}") from error
    if name in captures:
        if annotation not in (None, str, Any):
            raise InvalidInput(f"parameter {name!r}: a capture is text, not {describe(annotation)}")
        return Input(name, "capture", name, None)
    if parameter.default is not parameter.empty:
        return None
    known = f"the watches are {', '.join(aliases)}; the captures {', '.join(captures) or '(none)'}; and there is ctx"
    guess = did_you_mean(name, (*aliases, *captures, "ctx"))
    raise InvalidInput(f"parameter {name!r} is bound to nothing{guess} ({known})")


def _input_by_type(name: str, annotation: Any, aliases: Mapping[str, bool]) -> Input | None:
    """What fills a parameter of the runtime's own types, whatever it is called."""
    if annotation is Context or annotation is ThreadContext:
        return Input(name, "context", "", None)
    if annotation is Overdue:
        if "overdue" not in aliases:
            raise InvalidInput(f"parameter {name!r}: only a supervisor is given Overdue; declare it with @supervisor")
        return Input(name, "overdue", "overdue", None)
    if annotation is Tick:
        if TICK not in aliases:
            raise InvalidInput(f"parameter {name!r}: only an agent with a timer is given a Tick; declare every=")
        return Input(name, "tick", TICK, None)
    return None


def _members_input(name: str, annotation: Any) -> Input:
    """The members of a collect: ``list`` or ``Members`` of models, records or raw values."""
    if annotation in (None, Any, list, Members):
        return Input(name, "members", name, None)
    if typing.get_origin(annotation) not in (list, Members, Sequence):
        raise InvalidInput(f"it collects, so it is a list: write list[…] or Members[…], not {describe(annotation)}")
    (inner,) = typing.get_args(annotation)
    if inner is Record or typing.get_origin(inner) is Record:
        (value,) = typing.get_args(inner) or (None,)
        return Input(name, "members", name, value if validator_of(value) is not None else None, as_records=True)
    return Input(name, "members", name, inner if validator_of(inner) is not None else None)


def _record_input(name: str, annotation: Any) -> Input:
    if annotation is Record:
        return Input(name, "record", name, None)
    if typing.get_origin(annotation) is Record:
        (inner,) = typing.get_args(annotation)
        return Input(name, "record", name, inner if validator_of(inner) is not None else None)
    if validator_of(annotation) is not None:
        return Input(name, "model", name, annotation)
    return Input(name, "value", name, None)


def _reader(given: Input) -> Reader:
    source = given.source
    if given.kind == "context":
        return lambda _records, _captures, ctx: ctx
    if given.kind == "capture":
        return lambda _records, captures, _ctx: captures[source]
    if given.kind == "overdue":
        return lambda records, _captures, _ctx: Overdue.of(records[source])
    if given.kind == "tick":
        return lambda records, _captures, _ctx: Tick.of(records[source])
    if given.kind == "members":
        return _members_reader(given)
    if given.kind == "value":
        # Decoded anew for each call: the function may change what it is given.
        return lambda records, _captures, _ctx: codec.unpack_value(records[source].head.value)
    if given.annotation is None:
        return lambda records, _captures, _ctx: records[source].fresh()
    return _validating_reader(given)


def _members_reader(given: Input) -> Reader:
    source = given.source
    if given.annotation is None:
        if given.as_records:
            return lambda records, _captures, _ctx: records[source].each(lambda record: record.fresh())
        return lambda records, _captures, _ctx: records[source].each(
            lambda record: codec.unpack_value(record.head.value)
        )
    checked = _checked(given)
    if given.as_records:
        return lambda records, _captures, _ctx: records[source].each(lambda record: record.holding(checked(record)))
    return lambda records, _captures, _ctx: records[source].each(checked)


def _checked(given: Input) -> Callable[[Record[Any]], Any]:
    """What gives the validated value of a record."""
    validate = validator_of(given.annotation)
    assert validate is not None  # noqa: S101 - an input has an annotation only where it has a validator
    wanted = describe(given.annotation)

    def checked(record: Record[Any]) -> Any:
        try:
            return validate(codec.unpack_value(record.head.value))
        except ValueError as error:
            raise InvalidTrigger(given.parameter, record.key, wanted, sentence(error)) from error

    return checked


def _validating_reader(given: Input) -> Reader:
    checked, source = _checked(given), given.source
    if given.kind == "model":
        return lambda records, _captures, _ctx: checked(records[source])
    return lambda records, _captures, _ctx: records[source].holding(checked(records[source]))

"""A template of an agent: what it does is written, what it watches and writes is said where it is used.

In Python a template is called, ``merge(watches=…, contributes=…)``, and gives the agent; in a scenario it is what
``use`` names and its parameters stand under ``with``.  Beside its own parameters a template takes every option of the
decorators.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

from blackboard.errors import InvalidInput
from blackboard.record import Record
from knowledge_sources.annotations import declaring_frame
from knowledge_sources.collect import Collecting
from knowledge_sources.declaration import parse_watches, proposal_watch
from knowledge_sources.decorators import Options, knowledge_source
from knowledge_sources.errors import DeclarationError
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.source import source_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from knowledge_sources.declaration import Watches
    from knowledge_sources.parameters import Parameters
    from knowledge_sources.source import KnowledgeSource

P = TypeVar("P", bound="Parameters")
Records: TypeAlias = Mapping[str, Record[Any]]
"""What set the agent off, by alias; a list where an alias collects."""
ParameterPath: TypeAlias = tuple[str | int, ...]

_SHOWN: Final = 5


class Recipe(NamedTuple):
    """An agent as a template makes it of its parameters.

    ``run`` is called with the context and the records; ``applies`` is its precondition, called with the records.
    What the user gives as options goes before ``options``.
    """

    run: Callable[[Any, Records], Any]
    watches: Watches | None
    options: Options
    applies: Callable[[Records], bool] | None = None


class Misuse(NamedTuple):
    """One parameter that is wrong: where it stands, below ``with``, and why."""

    path: ParameterPath
    reason: str


class InvalidParameters(InvalidInput):
    """A template was given what it cannot make an agent of; ``misuses`` has each reason with its path."""

    def __init__(self, template: str, misuses: Sequence[Misuse]) -> None:
        self.template = template
        self.misuses = tuple(misuses)
        told = [f"{_dotted(path)}{reason}" for path, reason in self.misuses[:_SHOWN]]
        super().__init__(f"{template}: " + "; ".join(told))


class Template(Generic[P]):
    """Makes agents of one kind; see :func:`template`."""

    def __init__(self, name: str, parameters: type[P], recipe: Callable[[P], Recipe], description: str) -> None:
        self.name = name
        self.parameters = parameters
        self.description = description
        self._recipe = recipe

    def __call__(self, **given: Any) -> KnowledgeSource:
        """The agent, called ``name`` or by the template's name.  Raises :class:`DeclarationError` with the place."""
        frame = declaring_frame(1)
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
        try:
            made = self.made(given)
        except InvalidParameters as error:
            raise DeclarationError(str(error), place=place) from error
        made.fn.__module__ = _module_of(frame)
        return dataclasses.replace(made, place=place, source=f"{made.fn.__module__}:{made.name}")

    def made(self, given: Mapping[str, Any], base: Path | None = None) -> KnowledgeSource:
        """The agent of the parameters and options in ``given``; files in them are found from ``base``.

        Raises :class:`InvalidParameters`.
        """
        own = {name: value for name, value in given.items() if name in self.parameters.names()}
        options = {name: value for name, value in given.items() if name not in own}
        for name in options:
            if name not in Options.__annotations__:
                known = (*self.parameters.names(), *Options.__annotations__)
                hint = did_you_mean(str(name), known) or f"; there is {', '.join(self.parameters.names())}"
                raise InvalidParameters(self.name, [Misuse((str(name),), f"unknown parameter{hint}")])
        parameters = self.parameters.checked(self.name, own, base)
        try:
            recipe = self._recipe(parameters)
            return self._declared(recipe, {**recipe.options, **options}, own)
        except InvalidParameters:
            raise
        except InvalidInput as error:
            reason = error.reason.partition(f"agent {self.name!r}: ")[2] or error.reason
            raise InvalidParameters(self.name, [Misuse((), reason)]) from error

    def _declared(self, recipe: Recipe, options: Mapping[str, Any], own: Mapping[str, Any]) -> KnowledgeSource:
        aliases = _aliases(recipe)
        run = _taking_records(recipe.run, aliases, self.name, context=True)
        settled: dict[str, Any] = {"name": self.name, "description": self.description, "config": _plain(own), **options}
        if recipe.applies is not None and "precondition" not in options:
            settled["precondition"] = _taking_records(recipe.applies, aliases, self.name, context=False)
        source = source_of(knowledge_source(recipe.watches, **settled)(run))
        assert source is not None  # noqa: S101 - just declared
        return dataclasses.replace(source, place="", source=f"library:{self.name}")


def template(parameters: type[P]) -> Callable[[Callable[[P], Recipe]], Template[P]]:
    """Declare a template by the function that makes the recipe of an agent from ``parameters``."""

    def declare(recipe: Callable[[P], Recipe]) -> Template[P]:
        return Template(recipe.__name__, parameters, recipe, inspect.cleandoc(recipe.__doc__ or ""))

    return declare


def _aliases(recipe: Recipe) -> dict[str, Any]:
    """What each alias is given as: a record, or a list of them where it collects."""
    validates = recipe.options.get("validates")
    judged = (proposal_watch(validates),) if validates is not None else ()
    watched = parse_watches(recipe.watches) if recipe.watches is not None else ()
    return {watch.alias: list[Record] if isinstance(watch, Collecting) else Record for watch in (*judged, *watched)}


def _taking_records(
    fn: Callable[..., Any], aliases: Mapping[str, Any], name: str, *, context: bool
) -> Callable[..., Any]:
    """``fn`` as a function with one parameter for each alias, since that is what an agent is bound by."""
    given = [
        inspect.Parameter(alias, inspect.Parameter.KEYWORD_ONLY, annotation=kind) for alias, kind in aliases.items()
    ]

    async def awaited(ctx: Any, **records: Any) -> Any:
        return await fn(ctx, records)

    def called(ctx: Any, **records: Any) -> Any:
        return fn(ctx, records)

    def judged(**records: Any) -> Any:
        return fn(records)

    taking: Any = judged if not context else awaited if inspect.iscoroutinefunction(fn) else called
    first = [inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)] if context else []
    taking.__signature__ = inspect.Signature([*first, *given])
    taking.__name__ = taking.__qualname__ = name
    return cast("Callable[..., Any]", taking)


def _plain(own: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as settings that people and records can be shown: functions by their names."""
    return {name: value.__qualname__ if inspect.isroutine(value) else value for name, value in own.items()}


def _module_of(frame: FrameType | None) -> str:
    return str(frame.f_globals.get("__name__", "")) if frame is not None else ""


def _dotted(path: ParameterPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"{text}: " if text else ""

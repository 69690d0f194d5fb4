"""From a tree of nodes to a checked scenario; every finding with its place in the file."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ValidationError

from knowledge_sources.nearest import nearest
from scenarios.expectation_models import Bounds
from scenarios.problem import MAX_PROBLEMS, InvalidScenario, Problem
from scenarios.scenario import Scenario
from scenarios.setting import SET
from scenarios.yaml_nodes import ListNode, MapNode, Node, ScalarNode, child, descend, path_text, place_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic_core import ErrorDetails

Models: TypeAlias = frozenset[type[BaseModel]]

MAX_ITEMS: Final = {
    "agents": 2_000,
    "capabilities": 2_000,
    "events": 2_000,
    "expect": 2_000,
    "faults": 2_000,
    "schemas": 500,
    "validate": 500,
    "records": 5_000,
    "levels": 64,
}


def validate(root: Node, lines: Sequence[str] = ()) -> Scenario:
    """The scenario in ``root``; raises :class:`InvalidScenario` with every problem, in the order of the file.

    ``lines`` are those of the file: with them, a pattern's error points into the pattern.
    """
    if not isinstance(root, MapNode):
        raise InvalidScenario([Problem(place_of(root), "", "a scenario is a mapping that begins with version: 1")])
    _check_sizes(root)
    try:
        scenario = Scenario.model_validate(plain(root))
    except ValidationError as error:
        raise _invalid(root, error, lines) from error
    contradictions = islice(scenario.contradictions(), MAX_PROBLEMS)
    found = [_problem(root, path, message) for path, message in contradictions]
    if found:
        raise InvalidScenario(sorted(dict.fromkeys(found), key=lambda problem: _file_order(problem.place)))
    return scenario


def _check_sizes(root: MapNode) -> None:
    """Refuse more parts than anybody writes, before each is looked at."""
    for field, most in MAX_ITEMS.items():
        node = root.items.get(field)
        if isinstance(node, ListNode | MapNode) and len(node.items) > most:
            reason = f"has {len(node.items):,} items, more than {most:,}"
            raise InvalidScenario([Problem(place_of(node), field, reason)])


def _invalid(root: MapNode, error: ValidationError, lines: Sequence[str]) -> InvalidScenario:
    """Pydantic's errors as problems: all are put in the order of the file, the first hundred worked out."""
    details = error.errors(include_url=False)
    misspelt: dict[tuple[int | str, ...], list[str]] = {}
    for detail in details:
        if detail["type"] == "extra_forbidden":
            misspelt.setdefault(detail["loc"][:-1], []).append(str(detail["loc"][-1]))
    placed = [(_real_path(root, detail["loc"]), detail) for detail in details]
    placed.sort(key=lambda item: _file_order(place_of(descend(root, item[0]))))
    found = [
        problem
        for path, detail in placed[:MAX_PROBLEMS]
        for problem in _problems(root, path, detail, lines, misspelt.get(detail["loc"][:-1], ()))
    ]
    return InvalidScenario(list(dict.fromkeys(found)), total=len(details) if len(details) > MAX_PROBLEMS else 0)


def _file_order(place: str) -> tuple[int, ...]:
    return tuple(int(part) for part in place.rsplit(":", 2)[1:] if part.isdigit())


def _problem(root: Node, path: Sequence[str | int], message: str) -> Problem:
    return Problem(place_of(descend(root, path)), path_text(path), message)


def _problems(
    root: MapNode, path: tuple[str | int, ...], detail: ErrorDetails, lines: Sequence[str], misspelt: Sequence[str]
) -> Iterator[Problem]:
    """``misspelt`` are the unknown keys beside what this detail is about."""
    match detail["type"]:
        case "extra_forbidden":
            yield _unknown_key(root, path, detail["loc"])
        case "missing":
            # A key that is there under a name so near that its own message says all is not missing.
            if not nearest(str(path[-1]), misspelt, 1):
                yield _unknown_agent(root, path) or _problem(root, path, "is missing")
        case "refused":
            context: dict[str, Any] = detail.get("ctx", {})
            yield _refused(root, path, str(context["reason"]), int(context["column"]), lines)
        case _:
            yield _problem(root, path, _message(detail))


def _message(detail: ErrorDetails) -> str:
    """Pydantic's words, made to fit behind a path, with what was found instead."""
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = (
        re.sub(r" or instance of \w+", "", message)
        .replace("valid integer", "whole number")
        .replace("valid dictionary", "mapping")
        .replace("valid tuple", "list")
    )
    message = (
        message.replace("valid string", "text")
        .replace("valid number", "number")
        .replace("valid boolean", "true or false")
        .replace("be True", "be true")
    )
    value = detail["input"]
    if detail["type"] == "kind" and isinstance(value, dict):
        return message
    if isinstance(value, str | int | float | bool | None) and detail["type"] != "value_error":
        message += f", not {_shown(value)}"
    return message[0].lower() + message[1:]


def _shown(value: object) -> str:
    words = {None: "nothing", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]


def _refused(root: Node, path: tuple[str | int, ...], reason: str, column: int, lines: Sequence[str]) -> Problem:
    """A text that its own parser refused: at its column in the file where the text stands there as it is."""
    node = descend(root, path)
    place = place_of(node)
    if column and isinstance(node, ScalarNode):
        if 0 < node.line <= len(lines):
            for quote in (0, 1):  # plain, or behind an opening quote
                start = node.column - 1 + quote
                if lines[node.line - 1].startswith(node.raw, start):
                    return Problem(
                        f"{node.origin}:{node.line}:{start + column}", path_text(path), _with_text(reason, node, column)
                    )
        reason = f"{reason} (column {column} of the pattern)"
        return Problem(place, path_text(path), _with_text(reason, node, column))
    return Problem(place, path_text(path), reason)


def _with_text(reason: str, node: ScalarNode, column: int) -> str:
    """The reason with the pattern under it and a caret at the column, where it fits on a line."""
    if len(node.raw) > 200 or "\n" in node.raw:
        return reason
    return f"{reason}\n    {node.raw}\n    {' ' * (column - 1)}^"


def _real_path(root: Node, location: tuple[int | str, ...]) -> tuple[str | int, ...]:
    """The parts of pydantic's location that are in the file, and the last one, which may be what is missing."""
    node: Node | None = root
    path: list[str | int] = []
    for index, part in enumerate(location):
        below = child(node, part) if node is not None else None
        is_last = index == len(location) - 1
        if below is not None:
            path.append(part)
            node = below
        elif is_last and not _is_tag(part):
            path.append(part)
    return tuple(path)


def _is_tag(part: object) -> bool:
    """Whether pydantic put this part in to say which model of a union it took; those are classes' names."""
    return part == "[key]" or part in _model_names()


@cache
def _model_names() -> frozenset[str]:
    return frozenset(model.__name__ for model in _models_in(Scenario))


def _unknown_key(root: MapNode, path: tuple[str | int, ...], location: tuple[int | str, ...]) -> Problem:
    name = str(path[-1])
    known = sorted({_alias(model, field) for model in _models_at(location[:-1]) for field in model.model_fields})
    near = nearest(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(known)}"
    parent = descend(root, path[:-1])
    place = place_of(parent.keys[name]) if isinstance(parent, MapNode) and name in parent.keys else place_of(parent)
    return Problem(place, path_text(path), f"unknown key; {hint}")


def _unknown_agent(root: MapNode, path: tuple[str | int, ...]) -> Problem | None:
    """An agent that has no ``use`` because only a ``--set`` speaks of it: it was to be one of those in the file."""
    agents = root.items.get("agents")
    if len(path) != 3 or path[0] != "agents" or path[2] != "use" or not isinstance(agents, MapNode):
        return None
    name = str(path[1])
    known = [other for other, key in agents.keys.items() if not key.origin.startswith(SET)]
    if name in known:
        return None
    near = nearest(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(sorted(known)) or 'none in the file'}"
    return _problem(root, path[:2], f"no agent is called {name!r}; {hint}")


def _models_at(location: Iterable[int | str]) -> Models:
    """The models that stand at pydantic's ``location``, to know which keys there are."""
    models: Models = frozenset({Scenario})
    skip = False
    for part in location:
        if skip:
            skip = False
            continue
        tagged = frozenset(model for model in models if model.__name__ == part)
        if tagged:
            models = tagged
            continue
        for model in models:
            for field, info in model.model_fields.items():
                if _alias(model, field) == part:
                    skip = get_origin(info.annotation) is dict
                    models = frozenset(_within(info.annotation))
                    break
    return models


def _alias(model: type[BaseModel], field: str) -> str:
    return model.model_fields[field].alias or field


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside a type: of unions, tuples, mappings and annotated types."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _within(argument)


@cache
def _models_in(model: type[BaseModel]) -> Models:
    """``model`` and all models below it."""
    found: set[type[BaseModel]] = {model, Bounds}
    for info in model.model_fields.values():
        for inner in _within(info.annotation):
            found |= _models_in(inner)
    return frozenset(found)

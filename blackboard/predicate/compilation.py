"""From the syntax tree to closures: one small function per node, called as ``run(value, captures, record)``.

A closure returns a value, True, False or ERROR, and never raises.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from blackboard.predicate.comparisons import MIRRORED, Run, against_literal, compare_both, field_against_literal
from blackboard.predicate.globbing import compile_glob
from blackboard.predicate.path import METADATA, Path, present, walk
from blackboard.predicate.syntax import (
    And,
    Capture,
    Compare,
    Field,
    Has,
    Items,
    Literal,
    Negative,
    Node,
    Not,
    Or,
    Select,
    Size,
    TextTest,
)
from blackboard.predicate.values import ERROR, contained, negative, size, term

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def compile_node(node: Node) -> Run:
    """The closure of a node and all under it."""
    match node:
        case Literal(value=value):
            return lambda _value, _captures, _record: value
        case Items(items=items):
            return _items(items)
        case Field(path=path, capture=capture):
            return _field(path, capture)
        case Capture(name=name):
            return _capture(name)
        case Select(base=base, steps=steps):
            return _applied(compile_node(base), lambda found: walk(found, steps))
        case Negative(operand=operand):
            return _applied(compile_node(operand), negative)
        case Size(operand=operand):
            return _applied(compile_node(operand), size)
    return _compile_condition(node)


def _compile_condition(node: Node) -> Run:
    match node:
        case Not(operand=operand):
            return _not(compile_node(operand))
        case Has(path=path):
            parent, last = compile_node(Field(0, 0, Path(path.root, path.steps[:-1]))), path.steps[-1]
            return _applied(parent, lambda found: present(found, last))
        case TextTest():
            return _text_test(node)
        case Compare():
            return _compare(node)
        case And(operands=operands):
            return _every(operands)
        case Or(operands=operands):
            return _any(operands)
    raise AssertionError(node)


def _applied(inner: Run, function: Callable[[Any], Any]) -> Run:
    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        found = inner(value, captures, record)
        return ERROR if found is ERROR else function(found)

    return run


def _items(items: tuple[Node, ...]) -> Run:
    parts = tuple(map(compile_node, items))

    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        found = [part(value, captures, record) for part in parts]
        return ERROR if any(each is ERROR for each in found) else found

    return run


def _field(path: Path, capture: str) -> Run:
    if path.root == "record":
        return _metadata(METADATA[str(path.steps[0])])
    steps = path.steps
    if not steps:
        return lambda value, _captures, _record: value
    if len(steps) > 1 or not isinstance(steps[0], str):
        return lambda value, _captures, _record: walk(value, steps)
    name = steps[0]

    def run(value: Any, captures: Mapping[str, str] | None, _record: Any) -> Any:
        try:
            return value[name]
        except (KeyError, TypeError):
            return captures.get(capture, ERROR) if capture and captures else ERROR

    return run


def _metadata(attribute: str) -> Run:
    read = operator.attrgetter(attribute)
    return lambda _value, _captures, record: ERROR if record is None else read(record)


def _capture(name: str) -> Run:
    return lambda _value, captures, _record: ERROR if captures is None else captures.get(name, ERROR)


def _not(inner: Run) -> Run:
    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        found = inner(value, captures, record)
        return False if found is True else True if found is False else ERROR

    return run


def _both(left: Run, right: Run) -> Run:
    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        first = left(value, captures, record)
        if first is False:
            return False
        second = right(value, captures, record)
        if second is False:
            return False
        return True if first is True and second is True else ERROR

    return run


def _every(operands: tuple[Node, ...]) -> Run:
    parts = tuple(map(compile_node, operands))
    if len(parts) == 2:
        return _both(*parts)

    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        result: Any = True
        for part in parts:
            found = part(value, captures, record)
            if found is False:
                return False
            if found is not True:
                result = ERROR
        return result

    return run


def _any(operands: tuple[Node, ...]) -> Run:
    parts = tuple(map(compile_node, operands))

    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        result: Any = False
        for part in parts:
            found = part(value, captures, record)
            if found is True:
                return True
            if found is not False:
                result = ERROR
        return result

    return run


def _text_test(node: TextTest) -> Run:
    subject = compile_node(node.subject)
    if isinstance(node.argument, Literal):
        return _text_against_literal(subject, node.function, str(node.argument.value))
    argument = compile_node(node.argument)
    function: Callable[[str, str], bool] = {
        "startsWith": str.startswith,
        "endsWith": str.endswith,
        "contains": str.__contains__,
    }[node.function]

    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        text, part = subject(value, captures, record), argument(value, captures, record)
        return function(text, part) if type(text) is str and type(part) is str else ERROR

    return run


def _text_against_literal(subject: Run, function: str, part: str) -> Run:
    tests: dict[str, Callable[[str], bool]] = {
        "startsWith": lambda text: text.startswith(part),
        "endsWith": lambda text: text.endswith(part),
        "contains": lambda text: part in text,
        "glob": compile_glob(part),
    }
    test = tests[function]

    def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
        text = subject(value, captures, record)
        return test(text) if type(text) is str else ERROR

    return run


def _compare(node: Compare) -> Run:
    left, right, name = node.left, node.right, node.operator
    if name == "in":
        return _within(left, right)
    if isinstance(left, Literal):
        left, right, name = right, left, MIRRORED[name]
    if isinstance(right, Literal):
        field = left.path.steps[0] if isinstance(left, Field) and _is_plain(left) else None
        if isinstance(field, str):
            return field_against_literal(field, name, right.value)
        return _applied(compile_node(left), against_literal(name, right.value))
    return compare_both(compile_node(left), compile_node(right), name)


def _is_plain(field: Field) -> bool:
    return field.path.root == "value" and len(field.path.steps) == 1 and not field.capture


def _within(left: Node, right: Node) -> Run:
    subject = compile_node(left)
    if not isinstance(right, Items) or not all(isinstance(item, Literal) for item in right.items):
        container = compile_node(right)

        def run(value: Any, captures: Mapping[str, str] | None, record: Any) -> Any:
            item, inside = subject(value, captures, record), container(value, captures, record)
            return ERROR if item is ERROR or inside is ERROR else contained(item, inside)

        return run
    terms = frozenset(term(item.value) for item in right.items if isinstance(item, Literal))
    return _applied(subject, lambda found: term(found) in terms)

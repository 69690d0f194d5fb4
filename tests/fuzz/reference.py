"""What a predicate comes to, by the words of ``docs/predicates.md``: slow and plain, a walk over its tree.

Shares the tree with the closures that it is compared with, and nothing of how they evaluate it.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from blackboard.predicate import ERROR
from blackboard.predicate import syntax as tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record

_METADATA = {"key", "version", "author", "status", "case", "trust"}


class Missing(Exception):
    """There is no value: the third one."""


class Reference:
    """One record and the captures of its key, and what predicates say of them."""

    def __init__(self, value: Any, captures: Mapping[str, str] | None, record: Record[Any] | None) -> None:
        self.value = value
        self.captures = captures or {}
        self.record = record

    def evaluate(self, node: tree.Node) -> object:
        """The value, True, False or ERROR."""
        try:
            return self.of(node)
        except Missing:
            return ERROR

    def of(self, node: tree.Node) -> Any:  # noqa: C901 - one case per kind of node
        match node:
            case tree.Literal(value=value):
                return value
            case tree.Items(items=items):
                return [self.of(item) for item in items]
            case tree.Field(path=path, capture=capture):
                return self._field(path.root, path.steps, capture)
            case tree.Capture(name=name):
                return self._capture(name)
            case tree.Select(base=base, steps=steps):
                return _walked(self.of(base), steps)
            case tree.Negative(operand=operand):
                return _negative(self.of(operand))
            case tree.Size(operand=operand):
                return _size(self.of(operand))
            case tree.Not(operand=operand):
                return not self._truth(operand)
            case tree.Has(path=path):
                return _has(_walked(self.value, path.steps[:-1]), path.steps[-1])
            case tree.TextTest(function=function, subject=subject, argument=argument):
                return text_test(function, self.of(subject), self.of(argument))
            case tree.Compare(operator=operator, left=left, right=right):
                return _compared(operator, self.of(left), self.of(right))
            case tree.And(operands=operands):
                return self._joined(operands, decisive=False)
            case tree.Or(operands=operands):
                return self._joined(operands, decisive=True)
        raise AssertionError(node)

    def _field(self, root: str, steps: tuple[str | int, ...], capture: str) -> Any:
        if root == "record":
            if self.record is None:
                raise Missing
            name = str(steps[0])
            return getattr(self.record, name) if name in _METADATA else self.record.time_ms
        try:
            return _walked(self.value, steps)
        except Missing:
            if not capture:
                raise
            return self._capture(capture)

    def _capture(self, name: str) -> str:
        if name not in self.captures:
            raise Missing
        return self.captures[name]

    def _truth(self, node: tree.Node) -> bool:
        found = self.of(node)
        if not isinstance(found, bool):
            raise Missing
        return found

    def _joined(self, operands: tuple[tree.Node, ...], *, decisive: bool) -> bool:
        sides: list[bool | None] = []
        for operand in operands:
            try:
                sides.append(self._truth(operand))
            except Missing:
                sides.append(None)
        if decisive in sides:
            return decisive
        if None in sides:
            raise Missing
        return not decisive


def _walked(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        fits = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list)
        if not fits or not _has(value, step):
            raise Missing
        value = value[step]
    return value


def _has(parent: Any, step: str | int) -> bool:
    if isinstance(step, str) and isinstance(parent, dict):
        return step in parent
    if isinstance(step, int) and isinstance(parent, list):
        return 0 <= step < len(parent)
    raise Missing


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _negative(value: Any) -> Any:
    if not _is_number(value) or (isinstance(value, int) and not -(1 << 63) <= -value < 1 << 63):
        raise Missing
    return -value


def _size(value: Any) -> int:
    if not isinstance(value, str | bytes | list | dict):
        raise Missing
    return sum(1 for _ in value)


def text_test(function: str, text: Any, part: Any) -> bool:
    if not isinstance(text, str) or not isinstance(part, str):
        raise Missing
    if function == "glob":
        return re.fullmatch(".*".join(map(re.escape, re.split(r"\*+", part))), text, re.DOTALL) is not None
    if function == "contains":
        return any(text[at : at + len(part)] == part for at in range(len(text) + 1))
    return (
        text[: len(part)]
        if function == "startsWith"
        else text[len(text) - len(part) :]
        if len(part) <= len(text)
        else None
    ) == part


def same(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return Fraction(left) == Fraction(right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return set(left) == set(right) and all(same(left[name], right[name]) for name in left)
    return type(left) is type(right) and not _is_number(left) and bool(left == right)


def _compared(operator: str, left: Any, right: Any) -> bool:
    if operator == "in":
        if isinstance(right, dict):
            return isinstance(left, str) and left in right
        if not isinstance(right, list):
            raise Missing
        return any(same(left, item) for item in right)
    if operator in ("==", "!="):
        return same(left, right) is (operator == "==")
    return _before(operator, *_ordered(left, right))


def _ordered(left: Any, right: Any) -> tuple[Any, Any]:
    """Two of a kind that has an order, as Python compares them."""
    if _is_number(left) and _is_number(right):
        return Fraction(left), Fraction(right)
    if isinstance(left, str) and isinstance(right, str):
        return list(map(ord, left)), list(map(ord, right))
    if (isinstance(left, bytes) and isinstance(right, bytes)) or (isinstance(left, bool) and isinstance(right, bool)):
        return left, right
    raise Missing


def _before(operator: str, left: Any, right: Any) -> bool:
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])

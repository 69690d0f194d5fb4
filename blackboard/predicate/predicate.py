"""A predicate: what a record must say to match, parsed once and tested often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.predicate.comparisons import MIRRORED, ORDERS
from blackboard.predicate.compilation import compile_node
from blackboard.predicate.parser import check_truth, parse
from blackboard.predicate.source import Source
from blackboard.predicate.syntax import And, Compare, Field, Literal, Node, paths
from blackboard.predicate.values import ERROR, Error, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.predicate.comparisons import Run
    from blackboard.predicate.path import Path
    from blackboard.predicate.tokens import Token
    from blackboard.record import Record


class Expression:
    """Any expression of the language, not only one that is true or false; predicates are made of them.

    ``text`` has one space where the source had white space; ``fields`` are the paths read, each once.
    """

    __slots__ = ("_run", "fields", "text")

    def __init__(self, node: Node, text: str) -> None:
        self.text = text
        self.fields: tuple[Path, ...] = tuple(dict.fromkeys(paths(node)))
        self._run: Run = compile_node(node)

    @classmethod
    def parse(
        cls, text: str, *, captures: frozenset[str] = frozenset(), offset: int = 0, whole: str | None = None
    ) -> Expression:
        """Parse ``text``; raises PatternError.  The arguments are those of :meth:`Predicate.parse`."""
        node, tokens = parse(Source(text, offset=offset, whole=whole), captures)
        return cls(node, _normal(tokens, 0, len(text)))

    def evaluate(
        self, value: object, captures: Mapping[str, str] | None = None, record: Record[Any] | None = None
    ) -> object:
        """What the expression comes to, or ERROR; never raises."""
        result: object = self._run(value, captures, record)
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class Bound(NamedTuple):
    """What a clause demands that orders a field and a number: no record matches whose field is no number beyond it."""

    path: Path
    lower: bool
    """``>`` or ``>=``: the number is the least, not the most"""
    limit: int | float


class Clause:
    """One of the conditions that ``&&`` joins: all must hold, and the ones that do not say why not.

    ``equality`` is the path and the literal when the clause says ``path == literal``, ``bound`` is there when it
    orders a path in the value and a number.
    """

    __slots__ = ("_run", "bound", "equality", "fields", "text")

    def __init__(self, node: Node, text: str) -> None:
        self.text = text
        self.fields: tuple[Path, ...] = tuple(dict.fromkeys(paths(node)))
        self.equality: tuple[Path, Scalar] | None = _equality(node)
        self.bound: Bound | None = _bound(node)
        self._run: Run = compile_node(node)

    def evaluate(
        self, value: object, captures: Mapping[str, str] | None = None, record: Record[Any] | None = None
    ) -> bool | Error:
        """True, False, or ERROR where a field is missing or a type does not fit."""
        result = self._run(value, captures, record)
        return result if result is True or result is False else ERROR

    def test(self, value: object, captures: Mapping[str, str] | None = None, record: Record[Any] | None = None) -> bool:
        """Whether it holds; ERROR does not."""
        return self._run(value, captures, record) is True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class Predicate(Clause):
    """A whole predicate.  Equal texts, white space apart, are equal predicates.

    ``clauses`` are the conditions joined by ``&&`` at the top, at least one; the predicate holds when all do.
    ``equalities`` are those of them that an index can look up: records for which one of these does not hold
    cannot match.  ``bound`` is the first of them that orders a field and a number.
    """

    __slots__ = ("clauses", "equalities")

    def __init__(self, node: Node, text: str, clauses: tuple[Clause, ...]) -> None:
        super().__init__(node, text)
        self.clauses = clauses
        self.bound = next((clause.bound for clause in clauses if clause.bound is not None), None)
        self.equalities: tuple[tuple[Path, Scalar], ...] = tuple(c.equality for c in clauses if c.equality)

    @classmethod
    def parse(
        cls, text: str, *, captures: frozenset[str] = frozenset(), offset: int = 0, whole: str | None = None
    ) -> Predicate:
        """Parse ``text``, which may name ``captures``.

        Where the predicate is part of a longer text, ``whole`` is that text and ``offset`` the number of code
        points before the predicate, so that a PatternError points into what the user wrote.
        """
        source = Source(text, offset=offset, whole=whole)
        node, tokens = parse(source, captures)
        check_truth(source, node)
        clauses = tuple(Clause(each, _normal(tokens, each.start, each.end)) for each in _conjuncts(node))
        return cls(node, _normal(tokens, 0, len(text)), clauses)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predicate) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, And):
        return [part for operand in node.operands for part in _conjuncts(operand)]
    return [node]


def _equality(node: Node) -> tuple[Path, Scalar] | None:
    if not isinstance(node, Compare) or node.operator != "==":
        return None
    sides = (node.left, node.right)
    for field, literal in (sides, sides[::-1]):
        if isinstance(field, Field) and not field.capture and isinstance(literal, Literal):
            return field.path, literal.value
    return None


def _bound(node: Node) -> Bound | None:
    if not isinstance(node, Compare) or node.operator not in ORDERS:
        return None
    left, operator, right = node.left, node.operator, node.right
    if isinstance(left, Literal):
        left, operator, right = right, MIRRORED[operator], left
    if not isinstance(left, Field) or left.capture or left.path.root != "value" or not left.path.steps:
        return None
    if not isinstance(right, Literal) or (type(right.value) is not int and type(right.value) is not float):
        return None
    return Bound(left.path, operator in (">", ">="), right.value)


def _normal(tokens: list[Token], start: int, end: int) -> str:
    """The tokens from ``start`` up to ``end``, with one space wherever there was white space between two."""
    inside = [token for token in tokens if start <= token.start and token.end <= end and token.kind != "end"]
    return "".join(
        (" " if at and inside[at - 1].end < token.start else "") + token.text for at, token in enumerate(inside)
    )

"""The syntax tree: what a predicate says, with the place of each part in its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.predicate.path import Path
    from blackboard.predicate.values import Scalar


@dataclass(frozen=True, slots=True)
class Node:
    """Any part: it stands from index ``start`` up to ``end`` of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Scalar


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list literal."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A path.  ``bare`` is a single name, which a comparison does not take on its right.

    ``capture`` is the capture of the same name, read where the value has no such field; else ``""``.
    """

    path: Path
    bare: bool = False
    capture: str = ""


@dataclass(frozen=True, slots=True)
class Capture(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """Steps into something that is no path, such as a list literal."""

    base: Node
    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Negative(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """``operator`` is one of ``== != < <= > >= in``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Has(Node):
    path: Path


@dataclass(frozen=True, slots=True)
class Size(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class TextTest(Node):
    """``function`` is one of ``startsWith endsWith contains glob``; the argument of glob is a literal."""

    function: str
    subject: Node
    argument: Node


def children(node: Node) -> tuple[Node, ...]:
    """The parts right under a node."""
    match node:
        case Items(items=parts) | And(operands=parts) | Or(operands=parts):
            return parts
        case Not(operand=part) | Negative(operand=part) | Size(operand=part) | Select(base=part):
            return (part,)
        case Compare(left=left, right=right) | TextTest(subject=left, argument=right):
            return (left, right)
    return ()


def paths(node: Node) -> Iterator[Path]:
    """Every path that a node reads, in the order of the text, repeated ones repeated."""
    if isinstance(node, Field | Has):
        yield node.path
    for part in children(node):
        yield from paths(part)

"""A YAML document as a tree that still knows where each part stood in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.core_scalars import Scalar


class ScalarNode:
    """One value: text, number, true, false or null.  ``raw`` is its text in the file, quotes taken off."""

    __slots__ = ("column", "line", "origin", "raw", "value")

    def __init__(self, value: Scalar, raw: str, origin: str, line: int = 0, column: int = 0) -> None:
        self.value = value
        self.raw = raw
        self.origin = origin
        self.line = line
        self.column = column


class ListNode:
    """A sequence of nodes."""

    __slots__ = ("column", "items", "line", "origin")

    def __init__(self, origin: str, line: int = 0, column: int = 0) -> None:
        self.items: list[Node] = []
        self.origin = origin
        self.line = line
        self.column = column


class MapNode:
    """Nodes by field name, in the order of the file.  ``keys`` holds where each name stood."""

    __slots__ = ("column", "items", "keys", "line", "origin")

    def __init__(self, origin: str, line: int = 0, column: int = 0) -> None:
        self.items: dict[str, Node] = {}
        self.keys: dict[str, ScalarNode] = {}
        self.origin = origin
        self.line = line
        self.column = column


Node: TypeAlias = ScalarNode | ListNode | MapNode


def place_of(node: Node) -> str:
    """``file:line:col``, both from 1; only the origin for a node that came from no file."""
    return f"{node.origin}:{node.line}:{node.column}" if node.line else node.origin


def plain(node: Node) -> Any:
    """The data alone: dicts, lists and scalars."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {name: plain(item) for name, item in node.items.items()}


def child(node: Node, part: object) -> Node | None:
    """What stands at field or index ``part`` of ``node``, or ``None``."""
    if isinstance(node, MapNode) and isinstance(part, str):
        return node.items.get(part)
    if isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def descend(root: Node, path: Sequence[str | int]) -> Node:
    """The node at ``path``, or the deepest one on the way to it."""
    node = root
    for part in path:
        below = child(node, part)
        if below is None:
            break
        node = below
    return node


def path_text(path: Sequence[str | int]) -> str:
    """``agents.boss.escalate[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text

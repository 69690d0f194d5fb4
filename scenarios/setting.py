"""``--set a.b=value``: one value laid over the document of a scenario before it is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.errors import InvalidInput, UsageError
from scenarios.core_scalars import resolve_plain
from scenarios.problem import InvalidScenario, Problem
from scenarios.yaml_nodes import ListNode, MapNode, Node, ScalarNode
from scenarios.yaml_reader import MAX_DEPTH, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

SET: Final = "--set "
"""how the place of what was laid over a file begins"""
_STRUCTURED: Final = ("'", '"', "[", "{")


class InvalidSetting(UsageError):
    """A ``--set`` that is not ``path=value``, or whose path leads nowhere in the document."""

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        self.reason = reason
        super().__init__(f"--set {text}: {reason}")


def apply_settings(root: Node, sets: Iterable[str]) -> None:
    """Lay each of ``sets`` over ``root``, later ones over earlier ones.

    The path's parts are field names, or indices of a list; mappings on the way are made where there are
    none.  The value is a YAML scalar, a quoted one, or a list or mapping on one line.
    """
    for text in sets:
        path, separator, value = text.partition("=")
        parts = path.strip().split(".")
        if not separator or not all(parts):
            raise InvalidSetting(text, "write a path and a value, as in --set limits.case.attempts=3")
        if len(parts) > MAX_DEPTH:
            raise InvalidSetting(text, f"deeper than {MAX_DEPTH} levels")
        _put(root, parts, _value(value, f"{SET}{path.strip()}={value}"), text)


def _value(text: str, origin: str) -> Node:
    try:
        if text.lstrip().startswith(_STRUCTURED):
            return _without_lines(read_yaml(text.encode("utf-8", "surrogateescape"), "value"), origin)
        return ScalarNode(resolve_plain(text.strip()), text.strip(), origin)
    except InvalidInput as error:
        raise InvalidScenario([Problem(origin, "", error.reason)]) from error


def _without_lines(node: Node, origin: str) -> Node:
    """The same node, placed at its ``--set`` as a whole."""
    node.origin, node.line, node.column = origin, 0, 0
    below = node.items.values() if isinstance(node, MapNode) else node.items if isinstance(node, ListNode) else ()
    for item in below:
        _without_lines(item, origin)
    if isinstance(node, MapNode):
        for key in node.keys.values():
            _without_lines(key, origin)
    return node


def _put(root: Node, parts: list[str], value: Node, text: str) -> None:
    node = root
    for part in parts[:-1]:
        below = _step(node, part, text)
        # ``limits:`` with nothing behind it is null, and as good as not there.
        if below is None or (isinstance(below, ScalarNode) and below.value is None):
            below = MapNode(value.origin)
            _assign(node, part, below)
        node = below
    _step(node, parts[-1], text)
    _assign(node, parts[-1], value)


def _step(node: Node, part: str, text: str) -> Node | None:
    """What is at ``part``; raises where ``node`` can have no such part."""
    if isinstance(node, MapNode):
        return node.items.get(part)
    if isinstance(node, ListNode):
        if part.isascii() and part.isdecimal() and len(part) < 7 and int(part) < len(node.items):
            return node.items[int(part)]
        raise InvalidSetting(text, f"{part!r} is not an index of the list, which has {len(node.items)} items")
    raise InvalidSetting(text, f"what stands before {part!r} is a value, not a mapping")


def _assign(node: Node, part: str, value: Node) -> None:
    if isinstance(node, ListNode):
        node.items[int(part)] = value
    elif isinstance(node, MapNode):
        node.items[part] = value
        node.keys[part] = ScalarNode(part, part, value.origin, value.line, value.column)

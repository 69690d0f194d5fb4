"""YAML as plain data with places, whatever the file holds: bounded in time, memory and depth.

The parser's events are read one at a time into our own tree, because composing is where the
libraries crash (the compiled one, on deep brackets) or explode (merge keys, aliases).  Anchors,
aliases, merge keys, duplicate keys, tags beyond the core ones and a second document are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from blackboard.errors import InvalidInput
from scenarios.core_scalars import Scalar, check_collection_tag, resolve_plain, resolve_tagged
from scenarios.problem import InvalidScenario, Problem
from scenarios.yaml_nodes import ListNode, MapNode, Node, ScalarNode

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 1 << 20
# Where PyYAML was built without libyaml, its own scanner needs up to 1 µs a character.
MAX_BYTES_WITHOUT_LIBYAML: Final = 1 << 18
MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000
MAX_KEY_CHARACTERS: Final = 1_024
# libyaml compares each %TAG directive with all before it: 60,000 of them take 4 s.
MAX_DIRECTIVES: Final = 16
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_yaml(content: bytes, origin: str) -> Node:
    """The one document in ``content``; raises :class:`InvalidScenario` with the place of what is wrong.

    ``origin`` is the file's name as messages show it.  An empty document is a null scalar.
    At most 1 MiB of UTF-8, 64 levels, 50,000 nodes.
    """
    text = _decoded(content, origin)
    return _TreeBuilder(origin).build(_events(text, origin))


def _refusal(origin: str, line: int, column: int, message: str) -> InvalidScenario:
    return InvalidScenario([Problem(f"{origin}:{line}:{column}", "", message)])


def _decoded(content: bytes, origin: str) -> str:
    limit = MAX_BYTES if yaml.__with_libyaml__ else MAX_BYTES_WITHOUT_LIBYAML
    if len(content) > limit:
        raise _refusal(origin, 1, 1, f"larger than {limit >> 10:,} KiB; put records into a file of their own ('from:')")
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        raise _refusal(origin, line, column, f"not UTF-8: byte 0x{content[error.start]:02x}") from error
    if text.startswith("%") + text.count("\n%") > MAX_DIRECTIVES:
        raise _refusal(origin, 1, 1, f"more than {MAX_DIRECTIVES} lines that begin with '%'")
    return text


def _events(text: str, origin: str) -> Iterator[Any]:
    """The parser's events; its errors become ours."""
    loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n")
        character = error.character if isinstance(error.character, int) else ord(str(error.character)[0])
        raise _refusal(origin, before.count("\n") + 1, column, f"character U+{character:04X} is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        if mark and text[mark.index : mark.index + 1] == "\t":
            message = "a tab; YAML is indented with spaces"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _refusal(origin, line, column, message) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The pure parser lets int() and chr() speak for bad escapes and versions.
        raise _refusal(origin, 1, 1, f"not YAML: {error}") from error


class _TreeBuilder:
    """Builds the tree from events, checking each as it arrives."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._root: Node | None = None
        self._open: list[ListNode | MapNode] = []
        self._key: ScalarNode | None = None
        self._nodes = 0
        self._documents = 0

    def build(self, events: Iterator[Any]) -> Node:
        for event in events:
            try:
                self._take(event)
            except InvalidScenario:
                raise
            except InvalidInput as error:
                mark = event.start_mark
                raise _refusal(self._origin, mark.line + 1, mark.column + 1, error.reason) from error
        return self._root or ScalarNode(None, "", self._origin, 1, 1)

    def _take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
                self._key = None
            case yaml.AliasEvent():
                raise InvalidInput("aliases are not allowed: write the value out")
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise InvalidInput("a second document begins here; one file holds one")
            case _:
                pass  # stream and document ends carry nothing

    def _scalar(self, event: Any) -> None:
        self._check(event)
        if _LONE_SURROGATE.search(event.value):  # libyaml refuses the escape itself, the pure parser does not
            raise InvalidInput("half of a surrogate pair is no character")
        is_plain = not event.style
        if self._expects_key():
            if is_plain and event.value == "<<" and event.tag is None:
                raise InvalidInput("merge keys are not allowed: write the fields out")
            self._key = self._field_name(event)
            return
        value: Scalar
        if event.tag is not None:
            value = resolve_tagged(event.value, event.tag)
        else:
            value = resolve_plain(event.value) if is_plain else event.value
        self._attach(
            ScalarNode(value, event.value, self._origin, event.start_mark.line + 1, event.start_mark.column + 1)
        )

    def _begin(self, event: Any) -> None:
        self._check(event)
        if self._expects_key():
            raise InvalidInput("a field's name must be text")
        is_map = isinstance(event, yaml.MappingStartEvent)
        check_collection_tag(event.tag, "map" if is_map else "seq")
        if len(self._open) >= MAX_DEPTH:
            raise InvalidInput(f"deeper than {MAX_DEPTH} levels")
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        node = MapNode(self._origin, line, column) if is_map else ListNode(self._origin, line, column)
        self._attach(node)
        self._open.append(node)
        self._key = None

    def _check(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise InvalidInput(f"more than {MAX_NODES:,} values; put records into a file of their own ('from:')")
        if event.anchor is not None:
            raise InvalidInput("anchors are not allowed: write the value out where it is needed")

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], MapNode) and self._key is None

    def _field_name(self, event: Any) -> ScalarNode:
        mark = event.start_mark
        name = event.value if event.style else resolve_plain(event.value)
        if event.tag is not None:
            name = resolve_tagged(event.value, event.tag)
        if not isinstance(name, str):
            shown = event.value[:40] or "nothing"
            raise InvalidInput(f"a field's name must be text; quote {shown!r}")
        if len(name) > MAX_KEY_CHARACTERS:
            raise InvalidInput(f"a field's name of more than {MAX_KEY_CHARACTERS:,} characters")
        parent = self._open[-1]
        assert isinstance(parent, MapNode)  # noqa: S101  _expects_key has just seen it
        if name in parent.keys:
            earlier = parent.keys[name]
            raise InvalidInput(f"{name[:80]!r} is given twice; first at line {earlier.line}")
        key = ScalarNode(name, event.value, self._origin, mark.line + 1, mark.column + 1)
        parent.keys[name] = key
        return key

    def _attach(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif self._key is not None:
            parent.items[str(self._key.value)] = node
            self._key = None

"""The parser: recursive descent over the grammar of ``docs/predicates.md``, within limits.

Names are resolved here, because what a bare name means depends on where it stands: on the right of
a comparison it is a capture or a mistake, anywhere else it is a field.
"""

from __future__ import annotations

from typing import Final

from blackboard.predicate import spelling
from blackboard.predicate.path import METADATA, Path
from blackboard.predicate.source import MAX_DEPTH, MAX_NODES, Source
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
from blackboard.predicate.tokens import Token, tokenize
from blackboard.predicate.values import ERROR, negative

_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})


def parse(source: Source, captures: frozenset[str]) -> tuple[Node, list[Token]]:
    """The tree and the tokens of a whole text.  Raises PatternError at the first thing wrong."""
    parser = _Parser(source, captures)
    return parser.whole(), parser.tokens


def check_truth(source: Source, node: Node) -> Node:
    """Return ``node`` unless it can be neither true nor false, whatever the record."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        reason = 'a text alone is never true: repeat the comparison, or write field in ["a", "b"]'
        raise source.error(reason, node.start)
    if (isinstance(node, Literal) and not isinstance(node.value, bool)) or isinstance(node, Items | Negative | Size):
        raise source.error("this is neither true nor false: compare it with something", node.start)
    return node


class _Parser:
    def __init__(self, source: Source, captures: frozenset[str]) -> None:
        self.source = source
        self.captures = captures
        self.tokens = tokenize(source)
        self.at = 0
        self.depth = 0
        self.nodes = 0

    def whole(self) -> Node:
        if self.tokens[0].kind == "end":
            raise self.source.error("a predicate cannot be empty", 0)
        node = self.expression()
        if self.next.kind != "end":
            if self.next.text == ")":
                raise self.source.error("this ) closes nothing", self.next.start)
            left = self.source.text[node.start : node.end]
            raise self.source.error(spelling.after_operand(self.next.text, left), self.next.start)
        return node

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    @property
    def end(self) -> int:
        """Where the token before the next one ends."""
        return self.tokens[self.at - 1].end

    def sees(self, text: str) -> bool:
        return self.next.text == text and self.next.kind in ("operator", "name")

    def accept(self, text: str) -> bool:
        if not self.sees(text):
            return False
        self.at += 1
        return True

    def expect(self, text: str, opened: Token) -> None:
        if self.accept(text):
            return
        if self.next.kind == "end":
            raise self.source.error(f"this {opened.text} is not closed", opened.start)
        raise self.source.error(f"expected {text}, found {self.next.text}", self.next.start)

    def count(self, start: int) -> int:
        """Count one node, which begins at ``start``."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.source.error(f"a predicate has at most {MAX_NODES} parts", start)
        return start

    def deeper(self, start: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.source.error(f"a predicate nests at most {MAX_DEPTH} deep", start)

    def expression(self) -> Node:
        start = self.next.start
        operands = [self.conjunction()]
        while self.accept("||"):
            operands.append(self.conjunction())
        if len(operands) == 1:
            return operands[0]
        return Or(self.count(start), self.end, tuple(check_truth(self.source, each) for each in operands))

    def conjunction(self) -> Node:
        start = self.next.start
        operands = [self.relation()]
        while self.accept("&&"):
            operands.append(self.relation())
        if len(operands) == 1:
            return operands[0]
        return And(self.count(start), self.end, tuple(check_truth(self.source, each) for each in operands))

    def relation(self) -> Node:
        first = self.next
        left = self.unary()
        if not self.compares():
            return left
        if first.text == "!":
            reason = "! binds tighter than a comparison: write !(a == b), or a != b"
            raise self.source.error(reason, first.start)
        operator = self.next
        self.at += 1
        at_right = self.next
        right = self.unary()
        if self.compares():
            raise self.source.error("comparisons do not chain: write a < b && b < c", self.next.start)
        if operator.text == "in":
            right = self.container(right)
        elif isinstance(left, Literal) and isinstance(right, Field) and right.bare and not right.capture:
            field = right.path.steps[0]
            reason = f"a field stands on the left, or as value.{field}; a text on the right is quoted"
            raise self.source.error(reason, right.start)
        else:
            right = self.resolved(right, self.source.text[first.start : at_right.start])
        if operator.text in _ORDERS:
            self.check_order(left)
            self.check_order(right)
        return Compare(self.count(first.start), self.end, operator.text, left, right)

    def compares(self) -> bool:
        return self.next.text in _COMPARISONS and self.next.kind != "literal"

    def container(self, node: Node) -> Node:
        if isinstance(node, Literal):
            hint = ': write field.contains("text")' if isinstance(node.value, str) else ""
            raise self.source.error(f"in looks into a list or a map{hint}", node.start)
        if isinstance(node, Field):  # a capture is a text, which in does not look into
            return Field(node.start, node.end, node.path)
        return node

    def check_order(self, node: Node) -> None:
        if isinstance(node, Items) or (isinstance(node, Literal) and node.value is None):
            raise self.source.error("this has no order: compare it with == or !=", node.start)

    def resolved(self, node: Node, comparison: str) -> Node:
        """What stands on the right: a bare name is a capture, or a text that lacks its quotes."""
        if not isinstance(node, Field) or not node.bare:
            return node
        if node.capture:
            return Capture(node.start, node.end, node.capture)
        raise self.source.error(spelling.bare_word(self.source.text, node.start, comparison), node.start)

    def unary(self) -> Node:
        token = self.next
        if token.kind != "operator" or token.text not in ("!", "-"):
            return self.member()
        self.at += 1
        self.deeper(token.start)
        operand = self.unary()
        self.depth -= 1
        start = self.count(token.start)
        if token.text == "!":
            return Not(start, self.end, check_truth(self.source, operand))
        if not isinstance(operand, Literal):
            return Negative(start, self.end, operand)
        number = negative(operand.value)
        if number is ERROR or (isinstance(number, int) and number < -(1 << 63)):
            raise self.source.error("- needs a number, and gives one within 64 bits", token.start)
        return Literal(start, self.end, number)

    def member(self) -> Node:
        start = self.next.start
        node = self.primary()
        calls = 0
        while True:
            if self.accept("."):
                name = self.name()
                if self.sees("("):
                    calls += 1
                    self.deeper(name.start)
                    node = self.method(start, node, name)
                else:
                    node = self.step(start, node, name.text, name.start)
            elif self.sees("["):
                node = self.index(start, node)
            else:
                break
        self.depth -= calls
        if isinstance(node, Field) and node.path.root == "record" and not node.path.steps:
            raise self.source.error(f"record is not a value: write record.{', record.'.join(METADATA)}", start)
        return node

    def name(self) -> Token:
        token = self.next
        if token.kind != "name":
            raise self.source.error("expected a name after the dot", token.start)
        self.at += 1
        return token

    def index(self, start: int, node: Node) -> Node:
        opened = self.next
        self.at += 1
        self.deeper(opened.start)
        inner = self.expression()
        self.depth -= 1
        self.expect("]", opened)
        key = inner.value if isinstance(inner, Literal) else None
        if isinstance(key, str) or (type(key) is int and key >= 0):
            return self.step(start, node, key, opened.start)
        reason = 'an index is a quoted name or a whole number from 0: a["name"] or a[0]'
        raise self.source.error(reason, inner.start)

    def step(self, start: int, node: Node, key: str | int, at: int) -> Node:
        self.count(at)
        if isinstance(node, Select):
            return Select(start, self.end, node.base, (*node.steps, key))
        if not isinstance(node, Field):
            return Select(start, self.end, node, (key,))
        if node.path.root == "record" and (node.path.steps or key not in METADATA):
            raise self.source.error(f"of a record there are {', '.join(METADATA)}, and no fields in them", at)
        return Field(start, self.end, Path(node.path.root, (*node.path.steps, key)))

    def primary(self) -> Node:
        token = self.next
        if token.kind == "literal":
            self.at += 1
            return Literal(self.count(token.start), token.end, token.value)
        if token.kind == "name" and token.text != "in":
            self.at += 1
            return self.call(token) if self.sees("(") else self.root(token)
        if self.accept("("):
            self.deeper(token.start)
            node = self.expression()
            self.depth -= 1
            self.expect(")", token)
            return node
        if self.accept("["):
            return self.items(token)
        found = "the end" if token.kind == "end" else token.text
        raise self.source.error(f"expected a value, found {found}", token.start)

    def root(self, token: Token) -> Node:
        """A name that no call and no dot goes before."""
        self.count(token.start)
        reason = spelling.constant(token.text)
        if token.text.casefold() == "not" and self.next.kind in ("name", "literal") and not self.sees("in"):
            reason = "write ! for not"
        if reason is not None:
            raise self.source.error(reason, token.start)
        if token.text in ("value", "record"):
            return Field(token.start, token.end, Path("value" if token.text == "value" else "record", ()))
        capture = token.text if token.text in self.captures else ""
        return Field(token.start, token.end, Path("value", (token.text,)), bare=True, capture=capture)

    def items(self, opened: Token) -> Node:
        self.deeper(opened.start)
        items: list[Node] = []
        while not self.sees("]"):
            items.append(self.resolved(self.expression(), ""))
            if not self.accept(","):
                break
        self.expect("]", opened)
        self.depth -= 1
        return Items(self.count(opened.start), self.end, tuple(items))

    def call(self, name: Token) -> Node:
        if name.text not in ("has", "size", "glob"):
            if name.text in spelling.METHODS:
                raise self.source.error(f'write field.{name.text}("text")', name.start)
            raise self.source.error(spelling.call(name.text), name.start)
        self.deeper(name.start)
        arguments = self.arguments(name, 2 if name.text == "glob" else 1)
        self.depth -= 1
        start = self.count(name.start)
        if name.text == "size":
            return Size(start, self.end, arguments[0])
        if name.text == "glob":
            return self.text_test(name, start, arguments[0], arguments[1])
        field = arguments[0]
        if not isinstance(field, Field) or field.path.root == "record" or not field.path.steps:
            raise self.source.error("has() takes a field: has(a) or has(a.b)", field.start)
        return Has(start, self.end, field.path)

    def method(self, start: int, subject: Node, name: Token) -> Node:
        if name.text not in ("size", *spelling.METHODS):
            if name.text == "has":
                raise self.source.error("write has(a.b)", name.start)
            raise self.source.error(spelling.call(name.text, method=True), name.start)
        arguments = self.arguments(name, 0 if name.text == "size" else 1)
        self.count(name.start)
        if name.text == "size":
            return Size(start, self.end, subject)
        return self.text_test(name, start, subject, arguments[0])

    def arguments(self, name: Token, wanted: int) -> list[Node]:
        opened = self.next
        self.at += 1
        arguments: list[Node] = []
        while not self.sees(")"):
            arguments.append(self.expression())
            if not self.accept(","):
                break
        self.expect(")", opened)
        if len(arguments) != wanted:
            raise self.source.error(f"{name.text}() takes {wanted} here, not {len(arguments)}", name.start)
        return arguments

    def text_test(self, name: Token, start: int, subject: Node, argument: Node) -> Node:
        argument = self.resolved(argument, "")
        if isinstance(argument, Literal) and not isinstance(argument.value, str):
            raise self.source.error(f"{name.text} takes a text in quotes", argument.start)
        if name.text == "glob":
            if not isinstance(argument, Literal) or not isinstance(argument.value, str):
                raise self.source.error('glob takes a text in quotes: glob(path, "a*")', argument.start)
            if "?" in argument.value or "[" in argument.value:
                raise self.source.error("glob knows * alone, for any run of characters", argument.start)
        return TextTest(start, self.end, name.text, subject, argument)

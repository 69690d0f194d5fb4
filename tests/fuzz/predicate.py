"""Patterns and predicates: any text parses or is refused at its column, and means what the plain evaluator says."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.codec import pack_record, pack_value
from blackboard.errors import InvalidName, PatternError
from blackboard.pattern import Pattern
from blackboard.predicate import ERROR, Expression, Predicate
from blackboard.predicate.globbing import compile_glob
from blackboard.predicate.parser import parse
from blackboard.predicate.source import Source
from blackboard.predicate.syntax import Field, Has, Literal, Node, children
from blackboard.record import Record, Stamp
from tests.fuzz.reference import Reference, same, text_test
from tests.fuzz.samples import blocks_of_docs, public_data, texts_of_tests
from tests.fuzz.target import Disagreement, Target
from tests.fuzz.values import NAMES, SCALARS, exactly, random_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

CAPTURES = {"c": "x", "d": "1", "a": "a"}
_RECORDS = 6
WORDS = [
    b" && ", b" || ", b"!", b"-", b"(", b")", b"[", b"]", b",", b".", b" == ", b" != ", b" < ", b" <= ", b" > ", b" >= ", b" in ",
    b"has(", b"size(", b"glob(", b".size()", b'.glob("a*b*")', b'.startsWith("a")', b'.endsWith("a")', b'.contains("")', b"value",
    b"record", b".key", b".time", b".version", b".trust", b'["a"]', b"[0]", b"[1]", b"a", b"b", b"c", b"status", b"amount", b"tags", b'"a"',
    b"'b'", b'r"\\a"', b'"""x"""', b"'''", b'"\\n\\x41\\u00e9\\U0001F600\\101"', b"true", b"false", b"null", b"0", b"1", b"1.0", b"0.5", b"0x1f", b"2u",
    b"9007199254740993", b"18446744073709551615", b"1e308", b".5", b"and", b"or", b"not", b"is", b" where ", b"a/{c}/**", b"a/*/b", b"{d}",
]  # fmt: skip


def take(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    chance = random.Random(data)
    _compare_globs(chance)
    told = [_pattern(text, chance)]
    try:
        whole = Predicate.parse(text, captures=frozenset(CAPTURES))
        expression = Expression.parse(text, captures=frozenset(CAPTURES))
        node, _ = parse(Source(text), frozenset(CAPTURES))
    except PatternError as error:
        _check_column(error, text)
        told.append(re.sub(r"[^ a-z]|\b\w\b", "", error.reason)[:50])
        return " ".join(told)
    again = Predicate.parse(whole.text, captures=frozenset(CAPTURES))
    if (again.text, again.fields, len(again.clauses)) != (whole.text, whole.fields, len(whole.clauses)):
        raise Disagreement(f"{whole.text!r} parses to another predicate than the text that it is of")
    parsed, seen = _Parsed(node, expression, whole, again), set[str]()
    for _ in range(_RECORDS):
        seen.add(_compare(parsed, _value_near(node, chance), chance))
    return f"{told[0]} {type(node).__name__} of {sorted(seen)}"


def _value_near(node: Node, chance: Random) -> Any:
    """A random value of the fields and literals that the predicate names, and of others."""
    literals, names = list[Any](), list[str]()
    for part in _parts(node):
        if isinstance(part, Literal):
            literals.append(part.value)
            if isinstance(part.value, str):  # and what glob and the text tests look for
                plain = part.value.replace("*", "")
                literals += [plain, plain[1:], plain[:-1], f"{plain}a{plain}"]
        elif isinstance(part, Field | Has):
            names += [step for step in part.path.steps if isinstance(step, str)]
    return random_value(chance, scalars=(*SCALARS, *literals * 8), names=(*NAMES, *names * 8))


def _parts(node: Node) -> Iterator[Node]:
    yield node
    for part in children(node):
        yield from _parts(part)


class _Parsed(NamedTuple):
    """One text, parsed each way; ``again`` is of the normalised text."""

    node: Node
    expression: Expression
    whole: Predicate
    again: Predicate


def _compare(parsed: _Parsed, value: Any, chance: Random) -> str:
    """What ``value`` comes to; raises where the closures, the tree and the clauses do not say the same."""
    node, expression, whole, again = parsed
    text = expression.text
    captures = chance.choice((None, CAPTURES, {"c": "x"}))
    record = chance.choice((None, _record(value)))
    reference = Reference(value, captures, record)
    expected = reference.evaluate(node)
    found = expression.evaluate(value, captures, record)
    if exactly(found) != exactly(expected):
        raise Disagreement(f"{text!r} of {value!r} with {captures} gave {found!r}, and by the words {expected!r}")
    truth = expected if isinstance(expected, bool) else ERROR
    tested = [each.evaluate(value, captures, record) for each in (whole, again)]
    if any(each is not truth for each in tested) or whole.test(value, captures, record) is not (truth is True):
        raise Disagreement(f"{text!r} of {value!r} is {tested}, and by the words {truth!r}")
    if all(clause.test(value, captures, record) for clause in whole.clauses) is not (truth is True):
        raise Disagreement(f"the clauses of {text!r} of {value!r} do not say {truth!r}")
    for path, literal in whole.equalities:
        if truth is True and not same(path.read(value, record), literal):
            raise Disagreement(f"{text!r} holds for {value!r} although {path} is not {literal!r}")
    return str(truth)


def _compare_globs(chance: Random) -> None:
    """Texts of few letters, since a glob and a text that have nothing in common say nothing."""
    pattern = "".join(chance.choices("ab**", k=chance.randint(0, 6)))
    for _ in range(_RECORDS):
        text = "".join(chance.choices("ab", k=chance.randint(0, 5)))
        if compile_glob(pattern)(text) is not text_test("glob", text, pattern):
            raise Disagreement(f"glob({text!r}, {pattern!r})")


def _pattern(text: str, chance: Random) -> str:
    try:
        pattern = Pattern.parse(text)
    except PatternError as error:
        _check_column(error, text)
        return "no pattern"
    if Pattern.parse(pattern.text) != pattern:
        raise Disagreement(f"{pattern.text!r} is not the pattern that it is the text of")
    values = {name: chance.choice(("x", "1", "é", "a/b", " ")) for name in pattern.captures}
    try:
        key = pattern.fill(values)
    except (PatternError, InvalidName):
        return "a pattern that is not filled"
    if pattern.match_key(key) != values:
        raise Disagreement(f"{pattern.text!r} was filled to {key!r}, and does not fit it with {values}")
    return "a pattern"


def _check_column(error: PatternError, text: str) -> None:
    str(error)
    if not 1 <= error.column <= len(text) + 1 or error.text != text:
        raise Disagreement(f"column {error.column} of {len(text)} characters")


def _record(value: Any) -> Record:
    data, _ = pack_record(Stamp("ada", "act", "case/1", ("a@1-1",), 2, 1), "status", 0, pack_value(value))
    return Record("a/x/1", "2-7", 7, 3, 1_700_000_000_000, data)


def samples() -> Sequence[bytes]:
    found = texts_of_tests("predicate", "predicate_parsing", "predicate_properties", "pattern", "matching")
    for block in blocks_of_docs("predicate", "pattern", "yaml", "python"):
        found += [line.partition(b" ")[2].strip() for line in block.splitlines()]
    cases = public_data() / "cel" / "cases.jsonl"
    for line in cases.read_text(encoding="utf-8").splitlines() if cases.is_file() else ():
        found.append(json.loads(line)["expr"].encode("utf-8", "surrogatepass"))
    return found


def fresh(chance: Random) -> bytes:
    """A predicate that parses, most often: operands that compare, joined."""
    return _condition(chance, 0).encode()


def _condition(chance: Random, depth: int) -> str:
    kind = chance.random()
    if depth < 4 and kind < 0.35:
        joined = chance.choice((" && ", " || ")).join(
            _condition(chance, depth + 1) for _ in range(chance.randint(2, 3))
        )
        return f"({joined})"
    if depth < 6 and kind < 0.45:
        return f"!({_condition(chance, depth + 1)})"
    left, right = _operand(chance), _literal(chance)
    if kind < 0.55:
        function, letters = chance.choice(
            (("startsWith", "abé"), ("endsWith", "abé"), ("contains", "abé"), ("glob", "ab**"))
        )
        return f'{left}.{function}("{"".join(chance.choices(letters, k=chance.randint(0, 5)))}")'
    if kind < 0.62:
        return f"has({_path(chance)})"
    if kind < 0.72:
        listed = ", ".join(_literal(chance) for _ in range(chance.randint(0, 3)))
        return f"{chance.choice((left, right))} in {chance.choice((f'[{listed}]', _path(chance)))}"
    return f"{left} {chance.choice(('==', '!=', '<', '<=', '>', '>='))} {chance.choice((right, right, _path(chance), 'c'))}"


def _path(chance: Random) -> str:
    steps = (chance.choice([*map(json.dumps, NAMES), "0", "1"]) for _ in range(chance.randint(1, 3)))
    return "value" + "".join(f"[{step}]" for step in steps)


def _operand(chance: Random) -> str:
    path = chance.choice(
        (_path(chance), chance.choice("abcd"), f"record.{chance.choice(('key', 'version', 'time', 'trust'))}", "value")
    )
    return chance.choice((path, path, path, f"-{path}", f"size({path})"))


def _literal(chance: Random) -> str:
    value = chance.choice([each for each in SCALARS if not isinstance(each, bytes)])
    return json.dumps(value)


TARGET = Target("predicate", take, samples, WORDS, fresh)

"""Random predicates agree with a walk over their tree, and random text raises nothing but PatternError."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.errors import PatternError
from blackboard.predicate import ERROR, Expression, Predicate

if TYPE_CHECKING:
    from collections.abc import Callable

Tree: TypeAlias = tuple[Any, ...]
CAPTURES = {"c": "x", "d": "1"}

SCALARS = st.sampled_from([0, 1, -1, 1.0, 0.5, 2**53, 2**53 + 1, float(2**53), True, False, None, "", "x", "xy", "1"])
VALUES = st.recursive(
    SCALARS | st.just(b"x"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4) | VALUES
LITERALS = SCALARS.map(lambda value: ("literal", value))
STEPS = st.lists(st.sampled_from(["a", "b", "c", 0, 1]), max_size=2).map(tuple)
PATHS = st.tuples(st.just("path"), st.sampled_from("abc").map(lambda name: (name,)).flatmap(
    lambda head: STEPS.map(lambda rest: head + rest)
))  # fmt: skip
NAMES = st.sampled_from("abcd").map(lambda name: ("name", name))
TESTS = st.tuples(st.just("text"), st.sampled_from(["startsWith", "endsWith", "contains"]), PATHS | NAMES,
                  st.sampled_from(["", "x", "y"]).map(lambda text: ("literal", text)))  # fmt: skip
OPERANDS = PATHS | NAMES | st.tuples(st.just("minus"), PATHS) | st.tuples(st.just("size"), PATHS | NAMES)
RIGHT = LITERALS | PATHS | st.sampled_from("cd").map(lambda name: ("capture", name))
ORDERED = RIGHT.filter(lambda tree: tree != ("literal", None))
LISTS = st.lists(RIGHT, max_size=3).map(lambda items: ("list", tuple(items)))
LEAVES = (
    st.tuples(st.just("compare"), st.sampled_from(["==", "!="]), OPERANDS, RIGHT | LISTS)
    | st.tuples(st.just("compare"), st.sampled_from(["<", "<=", ">", ">="]), OPERANDS, ORDERED)
    | st.tuples(st.just("in"), OPERANDS | LITERALS, LISTS | PATHS)
    | st.tuples(st.just("has"), PATHS)
    | TESTS
    | PATHS
    | NAMES
    | st.sampled_from([("literal", True), ("literal", False)])
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(st.just("not"), inner)
        | st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def written(tree: Tree) -> str:  # noqa: C901 - one case per kind of tree
    """The text of a tree, every operand of a logical operator in parentheses."""
    match tree:
        case ("literal", value):
            return json.dumps(value)
        case ("name", name) | ("capture", name):
            return str(name)
        case ("path", steps):
            return "value" + "".join(f"[{json.dumps(step)}]" for step in steps)
        case ("list", items):
            return f"[{', '.join(map(written, items))}]"
        case ("minus", operand):
            return f"-{written(operand)}"
        case ("size", operand):
            return f"size({written(operand)})"
        case ("has", operand):
            return f"has({written(operand)})"
        case ("text", function, subject, argument):
            return f"{written(subject)}.{function}({written(argument)})"
        case ("compare", operator, left, right):
            return f"{written(left)} {operator} {written(right)}"
        case ("in", left, right):
            return f"{written(left)} in {written(right)}"
        case ("not", operand):
            return f"!({written(operand)})"
        case (kind, operands):
            return {"and": " && ", "or": " || "}[str(kind)].join(f"({written(each)})" for each in operands)
    raise AssertionError(tree)


class Missing(Exception):
    """The third value of the walk."""


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def step(value: Any, key: str | int) -> Any:
    if isinstance(value, dict) and isinstance(key, str) and key in value:
        return value[key]
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    raise Missing


def walked(tree: Tree, value: Any) -> Any:  # noqa: C901 - one case per kind of tree
    """What the tree comes to, by the words of the documentation; raises Missing for an error."""
    match tree:
        case ("literal", literal):
            return literal
        case ("capture", name):
            return CAPTURES[name]
        case ("name", name):
            return value[name] if isinstance(value, dict) and name in value else walked_capture(name)
        case ("path", steps):
            for key in steps:
                value = step(value, key)
            return value
        case ("list", items):
            return [walked(item, value) for item in items]
        case ("minus", operand):
            return minus(walked(operand, value))
        case ("size", operand):
            return sized(walked(operand, value))
        case ("has", ("path", steps)):
            return presence(walked(("path", steps[:-1]), value), steps[-1])
        case ("text", function, subject, argument):
            return text_test(function, walked(subject, value), walked(argument, value))
        case ("compare", operator, left, right):
            return compared(operator, walked(left, value), walked(right, value))
        case ("in", left, right):
            return inside(walked(left, value), walked(right, value))
        case ("not", operand):
            return not truth(operand, value)
        case (kind, operands):
            return joined(operands, value, decisive=kind == "or")
    raise AssertionError(tree)


def walked_capture(name: str) -> str:
    if name not in CAPTURES:
        raise Missing
    return CAPTURES[name]


def minus(found: Any) -> Any:
    if not is_number(found):
        raise Missing
    return -found


def sized(found: Any) -> int:
    if not isinstance(found, str | bytes | list | dict):
        raise Missing
    return len(found)


def presence(parent: Any, key: str | int) -> bool:
    if isinstance(parent, dict) and isinstance(key, str):
        return key in parent
    if isinstance(parent, list) and isinstance(key, int):
        return key < len(parent)
    raise Missing


def text_test(function: str, text: Any, part: str) -> bool:
    if not isinstance(text, str):
        raise Missing
    return {"startsWith": text.startswith(part), "endsWith": text.endswith(part), "contains": part in text}[function]


def compared(operator: str, left: Any, right: Any) -> bool:
    if operator in ("==", "!="):
        return same(left, right) is (operator == "==")
    if not (is_number(left) and is_number(right)) and (type(left) is not type(right) or isinstance(left, list | dict)):
        raise Missing
    if left is None:
        raise Missing
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


def inside(item: Any, container: Any) -> bool:
    if isinstance(container, list):
        return any(same(item, each) for each in container)
    if isinstance(container, dict):
        return isinstance(item, str) and item in container
    raise Missing


def truth(tree: Tree, value: Any) -> bool:
    found = walked(tree, value)
    if not isinstance(found, bool):
        raise Missing
    return found


def joined(operands: tuple[Tree, ...], value: Any, *, decisive: bool) -> bool:
    """``||`` when ``decisive`` is true, ``&&`` when it is false: one decisive side settles it, else an error does."""
    missing = False
    for each in operands:
        try:
            if truth(each, value) is decisive:
                return decisive
        except Missing:
            missing = True
    if missing:
        raise Missing
    return not decisive


def three_valued(walk: Callable[[], bool]) -> object:
    try:
        return walk()
    except Missing:
        return ERROR


@given(tree=TREES, value=RECORDS)
def test_a_random_predicate_comes_to_what_a_walk_over_its_tree_says(tree: Tree, value: Any) -> None:
    predicate = Predicate.parse(written(tree), captures=frozenset(CAPTURES))
    expected = three_valued(lambda: truth(tree, value))
    assert predicate.evaluate(value, CAPTURES) is expected
    assert predicate.test(value, CAPTURES) is (expected is True)
    assert all(clause.test(value, CAPTURES) for clause in predicate.clauses) is (expected is True)


@given(tree=TREES, value=RECORDS)
def test_a_record_that_an_equality_does_not_hold_for_never_matches(tree: Tree, value: Any) -> None:
    predicate = Predicate.parse(written(tree), captures=frozenset(CAPTURES))
    if predicate.test(value, CAPTURES):
        assert all(same(path.read(value), literal) for path, literal in predicate.equalities)


@given(tree=TREES)
def test_the_normalised_text_parses_to_the_same_text_and_fields(tree: Tree) -> None:
    predicate = Predicate.parse(f" {written(tree)}  ", captures=frozenset(CAPTURES))
    again = Predicate.parse(predicate.text, captures=frozenset(CAPTURES))
    assert (again.text, again.fields, len(again.clauses)) == (predicate.text, predicate.fields, len(predicate.clauses))


PIECES = ["a", "value", "record", ".key", ".b", "[0]", '["x"]', "==", "!=", "<", "in", "&&", "||", "!", "-", "(", ")",
          "[", "]", ",", "1", "1.5", '"x"', "r'", '"""', "\\", "has(", "size(", ".glob(", "true", "null", "not", "and",
          "=", "é", " ", "\n", "\x00", "\ud800", "{", "0x", "1e", "u"]  # fmt: skip


@given(text=st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join), value=VALUES)
def test_no_text_raises_anything_but_a_pattern_error_and_no_value_anything_at_all(text: str, value: Any) -> None:
    for kind in (Predicate, Expression):
        try:
            parsed = kind.parse(text, captures=frozenset({"a"}))
        except PatternError as error:
            column = error.column
        else:
            column = 1
            parsed.evaluate(value, None)
            parsed.evaluate(value, {"a": "x"})
        assert 1 <= column <= len(text) + 1


@pytest.mark.parametrize("value", [None, "", [], {}, 0, b""])
def test_an_empty_value_of_any_type_is_tested_like_any_other(value: object) -> None:
    assert Predicate.parse("!(a == 1)").evaluate(value) is ERROR

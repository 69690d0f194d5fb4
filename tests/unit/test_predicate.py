"""What a predicate comes to: types, errors as a third value, names, clauses and what an index needs."""

from __future__ import annotations

from typing import Any

import pytest

from blackboard.predicate import ERROR, Expression, Path, Predicate, term

ORDER = {"status": "picked", "amount": 120, "paid": True, "note": None, "tags": ["vip"], "to": {"zip": "50667"}}


def came_to(text: str, value: object = ORDER, captures: dict[str, str] | None = None) -> object:
    return Predicate.parse(text, captures=frozenset(captures or ())).evaluate(value, captures)


@pytest.mark.parametrize(
    ("literal", "value"),
    [("1", True), ("true", 1), ("0", False), ("false", 0), ('"1"', 1), ("1", "1"), ("null", 0), ("null", False),
     ('""', None), ('"a"', b"a"), ("1", [1]), ('"a"', ["a"]), ("null", {}), ("null", [])],
)  # fmt: skip
def test_values_of_two_types_are_never_equal(literal: str, value: object) -> None:
    assert came_to(f"x == {literal}", {"x": value}) is False
    assert came_to(f"x != {literal}", {"x": value}) is True
    assert came_to(f"value.y.x == {literal}", {"y": {"x": value}}) is False
    assert came_to(f"x in [{literal}]", {"x": value}) is False
    assert came_to("x == value.y", {"x": value, "y": Expression.parse(literal).evaluate(None)}) is False


def test_an_integer_and_a_double_of_the_same_amount_are_equal() -> None:
    assert came_to("amount == 120.0") is True
    assert came_to("amount in [120.0]") is True
    assert came_to("amount == value.other", {"amount": 120, "other": 120.0}) is True
    assert came_to("[1, [2.0]] == value", [1.0, [2]]) is True
    assert came_to("x == value.y", {"x": {"a": [1]}, "y": {"a": [1.0]}}) is True
    assert came_to("x == value.y", {"x": {"a": [1]}, "y": {"a": [True]}}) is False


def test_integers_and_doubles_compare_exactly_above_two_to_the_53() -> None:
    assert came_to("x == 9007199254740992.0", {"x": 2**53 + 1}) is False
    assert came_to("x > 9007199254740992.0", {"x": 2**53 + 1}) is True
    assert came_to("x == 9007199254740993", {"x": float(2**53)}) is False
    assert came_to("x in [9007199254740993]", {"x": float(2**53)}) is False
    assert came_to("x < 18446744073709551615", {"x": 2**64 - 2}) is True


@pytest.mark.parametrize("order", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(
    ("literal", "value"),
    [("1", "1"), ("1", True), ("1", None), ("1", [1]), ('"a"', 1), ('"a"', b"a"), ("true", 1), ("1.5", False)],
)
def test_an_order_between_types_is_an_error(order: str, literal: str, value: object) -> None:
    assert came_to(f"x {order} {literal}", {"x": value}) is ERROR
    assert came_to(f"value.x {order} {literal}", {"x": value}) is ERROR
    assert came_to(f"x {order} value.y", {"x": value, "y": Expression.parse(literal).evaluate(None)}) is ERROR


def test_texts_bytes_and_bools_have_an_order_of_their_own() -> None:
    assert came_to('x < "b"', {"x": "a"}) is True
    assert came_to('x < "\U0001f600"', {"x": "\uffff"}) is True
    assert came_to("x < value.y", {"x": b"a", "y": b"b"}) is True
    assert came_to("x < true", {"x": False}) is True


def test_a_literal_on_the_left_says_the_same_with_the_sides_changed_over() -> None:
    assert came_to("100 < value.amount") is True
    assert came_to("120 <= value.amount") is True
    assert came_to("120 > value.amount") is False
    assert came_to("120 >= value.amount") is True
    assert came_to('"picked" == value.status') is True
    assert came_to('"picked" != value.status') is False


E = "missing == 1"
T = "amount == 120"
F = "amount == 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (E, ERROR), (f"!({E})", ERROR), (f"!!({E})", ERROR),
        (f"{E} && {F}", False), (f"{F} && {E}", False), (f"{E} && {T}", ERROR), (f"{T} && {E}", ERROR),
        (f"{E} || {T}", True), (f"{T} || {E}", True), (f"{E} || {F}", ERROR), (f"{F} || {E}", ERROR),
        (f"{E} && {E}", ERROR), (f"{E} || {E}", ERROR),
        (f"{T} && {E} && {F}", False), (f"{F} || {E} || {T}", True), (f"{T} && {E} && {T}", ERROR),
        (f"!({E} && {F})", True), (f"!({E} || {T})", False), (f"({E} || {T}) && {T}", True),
    ],
)  # fmt: skip
def test_an_error_is_kept_by_not_and_absorbed_by_and_and_or_in_either_order(text: str, expected: object) -> None:
    assert came_to(text) is expected
    assert Predicate.parse(text).test(ORDER) is (expected is True)


@pytest.mark.parametrize("value", [None, 1, "text", b"bytes", [], ["status"], True, 1.5])
def test_a_field_of_what_is_no_map_is_an_error(value: object) -> None:
    for text in ('status == "x"', "status == 1", "status > 1", "status in [1]", "has(status)", "status.a == 1",
                 "size(status) == 1", 'status.glob("*")', "!status", "-status == 1"):  # fmt: skip
        assert came_to(text, value) is ERROR


def test_a_field_that_is_neither_true_nor_false_is_an_error_as_a_condition() -> None:
    assert came_to("status") is ERROR
    assert came_to("!status") is ERROR
    assert came_to("paid") is True
    assert came_to("!paid") is False
    assert came_to("status || paid") is True


def test_an_index_reads_lists_alone_and_a_name_maps_alone() -> None:
    assert came_to('tags[0] == "vip"') is True
    assert came_to("tags[1] == 1") is ERROR
    assert came_to('status[0] == "p"') is ERROR
    assert came_to("to[0] == 1") is ERROR
    assert came_to('tags["0"] == 1') is ERROR
    assert came_to('to["zip"] == "50667" && value["to"].zip == "50667"') is True


def test_has_says_whether_a_field_is_there_also_when_it_is_null() -> None:
    assert came_to("has(note) && has(to.zip) && has(tags[0])") is True
    assert came_to("has(missing) || has(to.city) || has(tags[1])") is False
    assert came_to("has(missing.field)") is ERROR
    assert came_to("has(status.field)") is ERROR


def test_size_counts_code_points_elements_and_entries() -> None:
    assert came_to('size("é😀") == 2') is True
    assert came_to("size(tags) == 1 && to.size() == 1 && size(value) == 6") is True
    assert came_to("size(x) == 2", {"x": b"ab"}) is True
    assert came_to("size(amount) == 1") is ERROR


def test_in_looks_into_lists_and_into_the_keys_of_maps() -> None:
    assert came_to('"vip" in tags') is True
    assert came_to('"zip" in to && !(1 in to)') is True
    assert came_to('status in ["lost", "picked"]') is True
    assert came_to("status in []") is False
    assert came_to("tags in [1]") is False
    assert came_to('tags in [["vip"]]') is True
    assert came_to("1 in status") is ERROR
    assert came_to("missing in [1]") is ERROR
    assert came_to("1 in [1, value.missing]") is ERROR


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("abc", ["abc"], ["ab", "abcd", ""]),
        ("*", ["", "x", "a/b\n"], []),
        ("a*", ["a", "ab"], ["ba", ""]),
        ("*a", ["a", "ba"], ["ab"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("*b*", ["b", "abc"], ["ac"]),
        ("a*b*c", ["abc", "a--b--c"], ["acb", "ac"]),
        ("*ab*ab*", ["abab", "xabyabz"], ["aab"]),
        ("a**b", ["ab", "axb"], ["a"]),
        ("*ab*b", ["abb", "xabyb"], ["ab"]),
    ],
)
def test_glob_fits_whole_texts_in_both_forms(pattern: str, fitting: list[str], other: list[str]) -> None:
    for text in fitting + other:
        assert came_to(f'x.glob("{pattern}")', {"x": text}) is (text in fitting)
        assert came_to(f'glob(x, "{pattern}")', {"x": text}) is (text in fitting)


def test_text_tests_of_what_is_no_text_are_errors() -> None:
    for call in ('amount.startsWith("1")', 'tags.contains("vip")', 'note.glob("*")', "status.endsWith(value.amount)"):
        assert came_to(call) is ERROR


def test_text_tests_take_captures_and_paths() -> None:
    value = {"text": "ab", "part": "b"}
    assert came_to("text.endsWith(value.part) && text.startsWith(a)", value, {"a": "a"}) is True
    assert came_to("text.contains(a)", value, {"a": "x"}) is False


def test_minus_of_what_leaves_64_bits_is_an_error() -> None:
    assert came_to("-x == 5", {"x": -5}) is True
    assert came_to("-x == -9223372036854775808", {"x": 2**63}) is True
    assert came_to("-x == 0", {"x": -(2**63)}) is ERROR
    assert came_to("-x == 0", {"x": 2**64 - 1}) is ERROR
    assert came_to("-x == 1", {"x": True}) is ERROR


def test_a_name_on_the_right_is_the_capture_and_on_the_left_the_field() -> None:
    assert came_to("order == order", {"order": "7"}, {"order": "7"}) is True
    assert came_to("order == order", {"order": "8"}, {"order": "7"}) is False
    assert came_to("order == order", {"order": 7}, {"order": "7"}) is False


def test_a_name_that_the_value_has_no_field_for_is_the_capture_on_the_left_too() -> None:
    assert came_to('order.startsWith("R")', {}, {"order": "R1"}) is True
    assert came_to('order == "R1"', {"order": "R2"}, {"order": "R1"}) is False
    assert came_to('value.order == "R1"', {}, {"order": "R1"}) is ERROR
    assert came_to("has(order)", {}, {"order": "R1"}) is False


def test_captures_and_metadata_that_were_not_given_are_errors() -> None:
    predicate = Predicate.parse("status == order", captures=frozenset({"order"}))
    assert predicate.evaluate(ORDER) is ERROR
    assert predicate.evaluate(ORDER, {}) is ERROR
    assert Predicate.parse("record.version > 0").evaluate(ORDER) is ERROR


def test_fields_called_value_or_record_are_reached_through_value() -> None:
    assert came_to("value.value == 1 && value.record.key == 2", {"value": 1, "record": {"key": 2}}) is True


def test_the_whole_value_can_be_compared() -> None:
    assert came_to("value > 5", 6) is True
    assert came_to('value == ["a", 1]', ["a", 1]) is True


def test_clauses_are_the_conditions_that_and_joins_at_the_top_also_inside_parentheses() -> None:
    predicate = Predicate.parse('status  == "picked" && (amount > 200 && !paid) && (paid || has(x))')
    assert [clause.text for clause in predicate.clauses] == [
        'status == "picked"', "amount > 200", "!paid", "paid || has(x)",
    ]  # fmt: skip
    assert [clause.test(ORDER) for clause in predicate.clauses] == [True, False, False, True]
    assert [str(path) for path in predicate.clauses[3].fields] == ["paid", "x"]


@pytest.mark.parametrize("text", ["(a || b) && c", '(a).x && (a).startsWith("b") && !(a) && (a) == 1', "((a))"])
def test_the_text_of_each_clause_parses_to_the_same_clause(text: str) -> None:
    for clause in Predicate.parse(text).clauses:
        again = Predicate.parse(clause.text)
        assert again.text == clause.text
        assert again.fields == clause.fields


def test_one_condition_is_one_clause() -> None:
    predicate = Predicate.parse("a == 1 || b == 2")
    assert [clause.text for clause in predicate.clauses] == ["a == 1 || b == 2"]
    assert predicate.equalities == ()


def test_equalities_are_the_clauses_that_an_index_can_look_up() -> None:
    predicate = Predicate.parse(
        'status == "picked" && 5 == value.limits.max && record.author == "anna" && amount > 1 && a != 1 && o == "x" '
        "&& value == null && b == o && tags == [1]",
        captures=frozenset({"o"}),
    )
    assert predicate.equalities == (
        (Path("value", ("status",)), "picked"),
        (Path("value", ("limits", "max")), 5),
        (Path("record", ("author",)), "anna"),
        (Path("value", ()), None),
    )


def test_a_path_reads_what_the_predicate_reads() -> None:
    (path,) = Predicate.parse('a.b["c d"].e[0] == 1').fields
    assert str(path) == 'a.b["c d"].e[0]'
    assert path.read({"a": {"b": {"c d": {"e": [7]}}}}) == 7
    assert path.read({"a": {"b": {}}}) is ERROR
    assert path.read(None) is ERROR


@pytest.mark.parametrize(
    "text", ["a", "a.b", "value", "value[0]", 'value["a-b"]', 'value["value"]', 'value["record"].x', 'a["\\"q"]',
             "record.time", 'value["true"]', 'value["None"]', 'value["null"].x', 'value["in"]'],
)  # fmt: skip
def test_the_text_of_a_path_parses_to_the_same_path(text: str) -> None:
    (path,) = Predicate.parse(f"{text} == 1").fields
    assert Predicate.parse(f"{path} == 1").fields == (path,)


def test_terms_are_equal_exactly_when_their_scalars_are() -> None:
    scalars: list[Any] = [0, 1, 1.0, True, False, "1", "", None, b"1", 2**53 + 1, float(2**53), -0.0, 0.0]
    for left in scalars:
        for right in scalars:
            same = came_to("x == value.y", {"x": left, "y": right})
            assert (term(left) == term(right)) is same, (left, right)
    assert term([1]) is None
    assert term({}) is None


def test_an_error_is_falsy_so_that_an_if_takes_it_for_no_match() -> None:
    assert not ERROR
    assert repr(ERROR) == "ERROR"

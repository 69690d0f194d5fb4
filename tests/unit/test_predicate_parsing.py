"""What the parser refuses, where it points, and that no text makes it slow."""

from __future__ import annotations

import contextlib

import pytest

from blackboard.errors import PatternError
from blackboard.predicate import Expression, Predicate
from blackboard.predicate.source import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES
from tests.processor_time import processor_time_below


def refused(text: str) -> PatternError:
    with pytest.raises(PatternError) as found:
        Predicate.parse(text)
    return found.value


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "empty"),
        (" \n", 1, "empty"),
        ("a ==", 5, "found the end"),
        ("a == == b", 6, "found =="),
        ("&& a", 1, "found &&"),
        ("(a || b", 1, "( is not closed"),
        ("a || b)", 7, "closes nothing"),
        ("[1, 2", 1, "[ is not closed"),
        ("x in [1, 2", 6, "[ is not closed"),
        ("size(a", 5, "( is not closed"),
        ("(a b)", 4, "expected )"),
        ("a.", 3, "a name after the dot"),
        ('a."b" == 1', 3, "a name after the dot"),
        ("a, b", 2, "expected && or ||"),
        ("a == 1; b", 7, "no meaning"),
        ("größe == 1", 3, 'value["..."]'),
        ('a == "b', 6, "no closing"),
        ('a == "b\nc"', 6, "ends on its line"),
        ("a == '''b", 6, "no closing '''"),
        (r'a == "\q"', 7, "no such escape"),
        (r'a == "\x4"', 7, "no such escape"),
        (r'a == "\400"', 7, "no such escape"),
        (r'a == "\ud800"', 7, "no Unicode character"),
        (r'a == "\U00110000"', 7, "no Unicode character"),
        ('a == "\ud800"', 7, "surrogate"),
        ('a == b"x"', 6, "bytes literals"),
        ("a == 12abc", 6, '"12abc"'),
        ("a == 1e999", 6, "too large"),
        ("a == 18446744073709551616", 6, "64 bits"),
        ("a == -9223372036854775809", 6, "64 bits"),
        ("a == -true", 6, "needs a number"),
        ("a[b] == 1", 3, "an index is"),
        ("a[-1] == 1", 3, "an index is"),
        ("a[1.5] == 1", 3, "an index is"),
        ("a[true] == 1", 3, "an index is"),
        ("a[] == 1", 3, "found ]"),
        ("record == 1", 1, "record is not a value"),
        ("a == record", 6, "record is not a value"),
        ("record.colour == 1", 8, "of a record there are"),
        ("record.key.x == 1", 12, "no fields in them"),
        ("has(record.key)", 5, "takes a field"),
        ("has(value)", 5, "takes a field"),
        ("has(1)", 5, "takes a field"),
        ("has(a, b)", 1, "takes 1 here"),
        ("has() == 1", 1, "takes 1 here"),
        ("a.size(b) == 1", 3, "takes 0 here"),
        ('a.has("b")', 3, "write has(a.b)"),
        ('startsWith(a, "b")', 1, "write field.startsWith"),
        ("a.startsWith(1)", 14, "a text in quotes"),
        ("a.startsWith(b)", 14, 'write "b"'),
        ("a.glob(value.b)", 8, "a text in quotes"),
        ('glob(a, "[ab]")', 9, "* alone"),
        ("a.lower() == 1", 3, "no function lower"),
        ("a.exists(e, e > 1)", 3, "exists() over"),
        ("exists(a)", 1, "write has"),
        ("int(a) == 1", 1, "int() is left out"),
        ("not(a)", 1, "write ! for not"),
        ("a < null", 5, "no order"),
        ("a < [1]", 5, "no order"),
        ("null < value.a", 1, "no order"),
        ("a in 5", 6, "in looks into"),
        ("a == b == c", 8, "do not chain"),
        (r"a == r'\'x'", 11, "no closing"),
        ("a == 1 == true", 8, "do not chain"),
        ("a == 1 in [true]", 8, "do not chain"),
        ("5", 1, "neither true nor false"),
        ("null || a", 1, "neither true nor false"),
        ("!size(a)", 2, "neither true nor false"),
        ("a && [1]", 6, "neither true nor false"),
        ('"a"', 1, "a text alone"),
        ("a == 1 + 1", 8, "arithmetic"),
        ("a == b - 1", 6, 'write a == "b"'),
        ("a.b == 2 - 1", 10, "arithmetic"),
        ("a == 1 ? b : c", 8, "conditional"),
        ('a == {"b": 1}', 6, "map literals"),
        ('a =~ "b"', 3, "no regular expressions"),
        ("a // b", 3, "comments"),
        ("a AND b", 3, "write &&"),
        ("a & b", 3, "write &&"),
        ("a | b", 3, "write ||"),
        ("a === b", 3, "write =="),
        ("a => 1", 3, "write >="),
        ("a == nil", 6, "write null"),
        ("a == pending-review", 6, '"pending-review"'),
        ('a.contains("b") c', 17, "expected && or ||"),
    ],
)
def test_a_mistake_is_named_where_it_stands(text: str, column: int, reason: str) -> None:
    error = refused(text)
    assert (error.column, reason in error.reason) == (column, True), str(error)
    assert error.text == text


def test_the_column_counts_from_the_begin_of_the_whole_text() -> None:
    with pytest.raises(PatternError) as found:
        Predicate.parse("a = 1", offset=10, whole="k where é  a = 1")
    assert found.value.column == 13
    assert found.value.text == "k where é  a = 1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"), ('"a\'b"', "a'b"), ("'''a\n'b''c'''", "a\n'b''c"), ('"""a""b"""', 'a""b'), ('""', ""),
        (r'r"\n"', r"\n"), (r'R"""\"""', "\\"), (r'"\x41\u00e9\U0001F600\101"', "Aé😀A"),
        (r'"\a\b\f\n\r\t\v\\\?\"\'\`"', "\a\b\f\n\r\t\v\\?\"'`"),
        ("0", 0), ("007", 7), ("0x1F", 31), ("0XffU", 255), ("42u", 42), ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)), ("--1", 1), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.5E-1", 0.15),
        ("-0.0", -0.0), ("true", True), ("null", None), ("[]", []), ("[1, [true]]", [1, [True]]), ("[1,]", [1]),
    ],
)  # fmt: skip
def test_literals_stand_for_what_cel_says(text: str, value: object) -> None:
    assert repr(Expression.parse(text).evaluate({})) == repr(value)


def test_words_that_other_languages_keep_are_names_like_any_other() -> None:
    assert Predicate.parse("for == 1 && package.in == 2 && a.true == 3").test(
        {"for": 1, "package": {"in": 2}, "a": {"true": 3}}
    )


def test_white_space_and_line_ends_between_parts_mean_nothing() -> None:
    assert Predicate.parse("a\n==\t1\r\n&&\fb==2") == Predicate.parse("a == 1 && b==2")


DEEP = {
    "parentheses": "(" * 1900,
    "closed parentheses": "(" * 900 + "a" + ")" * 900,
    "not": "!" * 1900 + "a",
    "minus": "-" * 1900 + "1 == a",
    "lists": "[" * 1900,
    "calls": "size(" * 380,
    "methods": "a" + ".size()" * 280,
    "indices": "a" + "[" * 1900,
    "mixed": "!(-[" * 480,
    "steps": "a" + "[0]" * 660,
    "dots": "a" + ".b" * 990,
    "conditions": "a||" * 660 + "a",
    "comparisons": "1" + "==1" * 660,
    "elements": "x in [" + "1," * 990 + "1]",
    "quotes": '"' * 1999,
    "backslashes": '"' + "\\" * 1998,
    "digits": "1" * 2000,
    "exponent": "1e" + "9" * 1998,
    "words": "a " * 1000,
    "stars": 'a.glob("' + "*a" * 900 + '")',
    "too long": "a || " * 100_000 + "a",
    "far too long": "(" * 5_000_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_no_text_within_or_beyond_the_limits_takes_long(text: str) -> None:
    with processor_time_below(1.0), contextlib.suppress(PatternError):
        Predicate.parse(text).test({"a": "a" * 1000})


def test_the_length_is_checked_before_anything_is_parsed() -> None:
    error = refused("?" * (MAX_CHARACTERS + 1))
    assert "at most 2,000 characters" in error.reason
    assert len(Predicate.parse("a" * MAX_CHARACTERS).text) == MAX_CHARACTERS


def test_nesting_is_allowed_to_the_limit_and_refused_right_after_it() -> None:
    assert Predicate.parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH).test({"a": True})
    error = refused("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1))
    assert "nests at most 32 deep" in error.reason
    assert error.column == MAX_DEPTH + 1


def test_parts_are_allowed_to_the_limit_and_refused_right_after_it() -> None:
    assert Predicate.parse("||".join(["a"] * (MAX_NODES - 1))).test({"a": True})
    assert "at most 500 parts" in refused("||".join(["a"] * MAX_NODES)).reason


def test_a_glob_full_of_stars_is_linear_in_the_text() -> None:
    predicate = Predicate.parse('x.glob("' + "*a" * 200 + '*b")')
    with processor_time_below(1.0):
        assert not predicate.test({"x": "a" * 1_000_000})

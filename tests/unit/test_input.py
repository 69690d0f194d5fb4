"""Lines of input become entries, or are rejected with a reason; no line ends the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from blackboard.errors import InvalidInput
from blackboard.pattern import Pattern
from scenarios.entries import Entry, Sieve, key_from
from scenarios.input import MAX_LINE_BYTES, Rejected, Row, read_rows
from tests.processor_time import processor_time_below

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = Pattern.parse("return/{rma}")


def rows(tmp_path: Path, name: str, content: str | bytes) -> list[Row | Rejected]:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows(file))


def test_each_line_of_jsonl_is_a_row_with_its_number_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    found = rows(tmp_path, "in.jsonl", '\ufeff{"a": 1}\n\n  {"b": "é"}\r\n{"c": [1.5, null, true]}')
    assert found == [Row(1, {"a": 1}), Row(3, {"b": "é"}), Row(4, {"c": [1.5, None, True]})]


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("not JSON", b'{"a": 1'),
        ("not JSON", b"{'a': 1}"),
        ("NaN is not JSON", b'{"a": NaN}'),
        ("Infinity is not JSON", b'{"a": -Infinity}'),
        ("too large for a number", b'{"a": 1e999}'),
        ("the field 'a' is there twice", b'{"a": 1, "a": 2}'),
        ("not an object", b"[1, 2]"),
        ("not an object", b'"text"'),
        ("not UTF-8: byte 0xff at byte 8", b'{"a": "\xff"}'),
        ("nested too deeply", b'{"a": ' + b"[" * 100_000),
        ("deeper than 64 levels", b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}"),
        ("above 64 bits", b'{"a": 99999999999999999999}'),
        ("surrogate", b'{"a": "\\ud800"}'),
        ("longer than 1,048,576 bytes", b'{"a": "' + b"x" * MAX_LINE_BYTES + b'"}'),
        ("more than 100,000 nodes", b'{"a": [' + b"0," * 200_000 + b"0]}"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_with_its_number_and_the_next_is_read(
    tmp_path: Path, reason: str, line: bytes
) -> None:
    with processor_time_below(1.0):
        first, second = rows(tmp_path, "in.jsonl", line + b'\n{"next": 1}\n')
    assert isinstance(first, Rejected)
    assert first.line == 1
    assert reason in first.reason
    assert second == Row(2, {"next": 1})


def test_a_csv_cell_is_a_number_only_if_it_is_plainly_one(tmp_path: Path) -> None:
    content = "a,b,c,d,e,f,g,h\n12,-3,4.50,007,1e3,+1,true,\n0,-0.5,1234567890123456,0.1234567,.5,5., 1,1_0\n"
    assert [row.fields for row in rows(tmp_path, "in.csv", content) if isinstance(row, Row)] == [
        {"a": 12, "b": -3, "c": 4.5, "d": "007", "e": "1e3", "f": "+1", "g": "true", "h": ""},
        {"a": 0, "b": -0.5, "c": "1234567890123456", "d": "0.1234567", "e": ".5", "f": "5.", "g": " 1", "h": "1_0"},
    ]


def test_a_csv_row_knows_its_line_though_a_quoted_cell_spans_several(tmp_path: Path) -> None:
    assert rows(tmp_path, "in.csv", 'a,b\n"x\ny",1\n\nz,2\n') == [
        Row(3, {"a": "x\ny", "b": 1}),
        Row(5, {"a": "z", "b": 2}),
    ]


def test_a_csv_row_that_does_not_fit_its_header_is_rejected_and_the_next_is_read(tmp_path: Path) -> None:
    found = rows(tmp_path, "in.csv", b'a,b\n1\n1,2,3\n\xff,1\n"x"y,1\n1,2\n')
    assert [one.line for one in found] == [2, 3, 4, 5, 6]
    assert [one.reason.partition(":")[0] for one in found if isinstance(one, Rejected)] == [
        "has 1 values for 2 columns", "has 3 values for 2 columns", "not UTF-8", "not CSV",
    ]  # fmt: skip
    assert found[-1] == Row(6, {"a": 1, "b": 2})


def test_a_quote_that_is_never_closed_does_not_hang_or_end_the_reading(tmp_path: Path) -> None:
    found = rows(tmp_path, "in.csv", 'a,b\n1,2\n"open,3\n' + "x,y\n" * 100)
    assert found[0] == Row(2, {"a": 1, "b": 2})
    assert isinstance(found[-1], Rejected)


@pytest.mark.parametrize(
    ("reason", "header"), [("is there twice", "a,b,a"), ("does not name", "a,,b"), ("does not name", "\n")]
)
def test_a_csv_header_that_names_no_columns_refuses_the_file(tmp_path: Path, reason: str, header: str) -> None:
    with pytest.raises(InvalidInput, match=rf"in\.csv:1: .*{reason}"):
        rows(tmp_path, "in.csv", header + "\n1,2,3\n")


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert rows(tmp_path, "in.csv", "") == rows(tmp_path, "in.jsonl", "") == []


def test_a_file_that_is_missing_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        list(read_rows(tmp_path / "none.jsonl"))
    with pytest.raises(InvalidInput, match=r"the ending says how it is read: \.jsonl, \.ndjson, \.csv"):
        rows(tmp_path, "in.xml", "")


def test_a_key_is_filled_from_text_and_whole_numbers() -> None:
    assert key_from(Pattern.parse("order/{shop}/{id}"), {"shop": "né", "id": 7, "other": None}) == "order/né/7"


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("has no field 'rma', which the key needs; did you mean 'rmaa'?", {"rmaa": "x"}),
        ("neither text nor a whole number", {"rma": 1.5}),
        ("neither text nor a whole number", {"rma": True}),
        ("neither text nor a whole number", {"rma": None}),
        ("neither text nor a whole number", {"rma": ["x"]}),
        ("cannot stand in a key", {"rma": ""}),
        ("cannot stand in a key", {"rma": "a/b"}),
        ("segments of visible characters", {"rma": "a b"}),
        ("segments of visible characters", {"rma": "\x1b[2J"}),
        ("segments of visible characters", {"rma": "{x}"}),
        ("longer than 512 bytes", {"rma": "x" * 600}),
    ],
)
def test_fields_that_make_no_key_are_refused_with_the_reason(reason: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        key_from(TEMPLATE, fields)
    assert reason in str(refused.value)


def test_the_same_case_twice_is_seen_as_a_duplicate_or_as_a_conflict_and_posted_once() -> None:
    given: list[Row | Rejected] = [
        Row(1, {"rma": "R1", "amount": 5}),
        Row(2, {"rma": "R2"}),
        Row(3, {"amount": 5, "rma": "R1"}),
        Row(4, {"rma": "R1", "amount": 6}),
        Rejected(5, "not JSON"),
        Row(6, {"amount": 5, "rma": "R1"}),
    ]
    prepared = list(Sieve(TEMPLATE).entries(given))
    assert [one.key for one in prepared if isinstance(one, Entry)] == ["return/R1", "return/R2"]
    assert [one for one in prepared if isinstance(one, Rejected)] == [
        Rejected(3, "return/R1: duplicate of line 1"),
        Rejected(4, "return/R1: conflicts with line 1, which has other content"),
        Rejected(5, "not JSON"),
        Rejected(6, "return/R1: duplicate of line 1"),
    ]

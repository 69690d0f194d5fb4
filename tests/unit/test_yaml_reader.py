"""A file of YAML is plain data with places, or one refusal with a place; no file costs a second or 100 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.problem import InvalidScenario
from scenarios.yaml_nodes import descend, path_text, place_of, plain
from scenarios.yaml_reader import MAX_BYTES, read_yaml
from tests.processor_time import processor_time_below


def data(text: str) -> Any:
    return plain(read_yaml(text.encode(), "s.yaml"))


def refusal(text: str) -> str:
    """What the refusal of ``text`` says; ``""`` where it is data."""
    try:
        data(text)
    except InvalidScenario as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        *[(word, word) for word in ("no", "No", "on", "off", "OFF", "yes", "y", "n", "1:30", "2024-01-01", "0b1", "1_000", "=")],
        *[(None, text) for text in ("", "~", "null", "Null", "NULL", "# only a comment")],
        *[(True, text) for text in ("true", "True", "TRUE")],
        *[(False, text) for text in ("false", "False", "FALSE")],
        (7, "0o7"), (255, "0xFF"), (10, "010"), (-5, "-5"), (5, "+5"), (1.5, "1.5"), (1000.0, "1e3"), (0.5, ".5"),
        (18446744073709551615, "18446744073709551615"),
        ("5", "'5'"), ("5", '"5"'), ("5", "!!str 5"), (5, "!!int 5"), (5.0, "!!float 5"), ("5", "! 5"),
        ({"a": [1, {"b": "c"}]}, "a: [1, {b: c}]"), ({}, "{}"), ([], "[]"), ({"a": None, "b": 1}, "a:\nb: 1"),
        ({"<<": 1}, '"<<": 1'), ("é😀", "é😀"),
    ],
)  # fmt: skip
def test_a_scalar_means_what_the_core_schema_of_yaml_1_2_says(expected: object, text: str) -> None:
    assert data(text) == expected
    assert type(data(text)) is type(expected)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("s.yaml:1:4: anchors are not allowed", "a: &x 1"),
        ("s.yaml:2:4: aliases are not allowed", "a: 1\nb: *x"),
        ("s.yaml:2:1: merge keys are not allowed", "a: 1\n<<: {b: 1}"),
        ("s.yaml:3:1: 'a' is given twice; first at line 1", "a: 1\nb: 2\na: 3"),
        ("s.yaml:1:10: 'a' is given twice", "b: {a: 1,a: 2}"),
        ("s.yaml:1:4: tag '!x' is not allowed", "a: !x 1"),
        ("s.yaml:1:1: tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed", "!!python/object/apply:os.system [ls]"),
        ("s.yaml:1:4: tag 'tag:yaml.org,2002:set' is not allowed", "a: !!set {b}"),
        ("s.yaml:1:4: 'x' is not a value of tag !!int", "a: !!int x"),
        ("s.yaml:2:1: a second document begins here", "a: 1\n--- \nb: 2"),
        ("s.yaml:1:1: a field's name must be text; quote '1'", "1: a"),
        ("s.yaml:1:3: a field's name must be text", "? [a]\n: b"),
        ("s.yaml:1:4: .inf is not a number", "a: .inf"),
        ("s.yaml:1:4: .NaN is not a number", "a: .NaN"),
        ("s.yaml:1:1: 1e999 is too large", "1e999"),
        ("s.yaml:1:1: a number of 5,000 characters", "9" * 5_000),
        ("s.yaml:1:1: 99999999999999999999 is an integer above 64 bits", "99999999999999999999"),
        ("s.yaml:2:1: a tab; YAML is indented with spaces", "a:\n\tb: 1"),
        ("s.yaml:2:6: ", "a: [\n  b: }"),
        ("s.yaml:1:2: character U+0007 is not allowed", "a\x07: 1"),
        ("s.yaml:1:65: deeper than 64 levels", "[" * 100),
        ("s.yaml:1:1: more than 16 lines that begin with '%'", "".join(f"%TAG !a{i}! t:\n" for i in range(17)) + "---\na"),
    ],
)  # fmt: skip
def test_what_is_not_plain_data_is_refused_with_its_place(message: str, text: str) -> None:
    with pytest.raises(InvalidScenario) as refused:
        data(text)
    assert str(refused.value).startswith(message)


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    with pytest.raises(InvalidScenario, match=r"^s\.yaml:2:4: not UTF-8: byte 0xff$"):
        read_yaml("a: 1\né: ".encode() + b"\xff", "s.yaml")


def test_a_file_above_one_mebibyte_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(InvalidScenario, match="larger than"):
        read_yaml(b"#" * (MAX_BYTES + 1), "s.yaml")


def test_every_node_knows_its_line_and_column_counted_in_characters_from_one() -> None:
    root = read_yaml("é: 1\nagents:\n  boss: {use: é, other: [x, y]}\n".encode(), "s.yaml")

    assert place_of(descend(root, ["agents", "boss", "other", 1])) == "s.yaml:3:29"
    assert place_of(descend(root, ["agents", "boss", "missing"])) == "s.yaml:3:9"
    assert path_text(["agents", "boss", "other", 1]) == "agents.boss.other[1]"


HOSTILE = {
    "merge bomb": "a0: &a0 {k: v}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 14)),
    "billion laughs": "a: &a [x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)),
    "100 KB of [": "[" * 100_000,
    "1 MiB of [": "[" * MAX_BYTES,
    "1 MiB of {": "{" * MAX_BYTES,
    "1 MiB of - ": "- " * (MAX_BYTES // 2),
    "1 MiB of ? ": "? " * (MAX_BYTES // 2),
    "one long word": "x" * MAX_BYTES,
    "one long quoted text": '"' + "\\x41" * (MAX_BYTES // 4 - 1) + '"',
    "one text over many lines": "a\n" * (MAX_BYTES // 2),
    "a block of many lines": "|\n" + " x\n" * (MAX_BYTES // 3 - 1),
    "many items": "- a\n" * (MAX_BYTES // 4),
    "many fields": "".join(f"k{i}: v\n" for i in range(90_000)),
    "many empty lists": "[" + "[]," * (MAX_BYTES // 3 - 1),
    "many tag directives": "".join(f"%TAG !a{i}! t:\n" for i in range(60_000)) + "---\na",
    "comments": "# c\n" * (MAX_BYTES // 4),
    "blanks": " " * MAX_BYTES,
    "newlines": "\n" * MAX_BYTES,
    "a long anchor": "&" + "a" * (MAX_BYTES - 1),
    "a long tag": "!<" + "a" * (MAX_BYTES - 3) + ">",
    "a long number": "9" * MAX_BYTES,
    "a long key": "a" * 1_000_000 + ": 1",
    "documents": "---\n" * (MAX_BYTES // 4),
    "byte order marks": "\ufeff" * (MAX_BYTES // 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_or_refused_within_a_second(name: str) -> None:
    with processor_time_below(1.0):
        said = refusal(HOSTILE[name])
    assert len(said) < 500


def test_no_hostile_file_takes_100_mb() -> None:
    """Measured in a process of its own, as the peak above what the interpreter and the parser take at rest."""
    program = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from scenarios.yaml_reader import read_yaml
from scenarios.yaml_nodes import plain
import yaml
names = sys.stdin.buffer.read().split(b"\\0\\0")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for content in names:
    try:
        plain(read_yaml(content, "s.yaml"))
    except Exception as error:
        assert type(error).__name__ == "InvalidScenario", error
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).resolve().parents[2])],
        input=b"\0\0".join(text.encode() for text in HOSTILE.values()),
        capture_output=True,
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is bytes there and KiB here
    assert int(done.stdout) * unit < 100_000_000


@given(st.text(alphabet="ab: -[]{},&*!|>'\"%@`#?\n\t<0.1~\\é\x00\x85", max_size=60))
def test_any_text_is_data_or_one_refusal(text: str) -> None:
    said = refusal(text)
    assert not said or said.startswith("s.yaml:")

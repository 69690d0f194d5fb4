"""Bugs in what reads predicates, JSON and the bytes of others: how much an input may cost."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Edit, Mutant

BUGS: Final = (
    Mutant(
        "predicate-nests-without-end",
        "P8",
        "A predicate may nest deeper than the parser's own stack.",
        (Edit("blackboard/predicate/parser.py", "        if self.depth > MAX_DEPTH:\n", "        if False:\n"),),
        ("tests/unit/test_predicate_parsing.py::test_no_text_within_or_beyond_the_limits_takes_long",),
    ),
    Mutant(
        "deep-json-crashes",
        "P8",
        "JSON that nests deeper than the reader can follow ends the process with a traceback.",
        (
            Edit(
                "blackboard/strict_json.py",
                '    except RecursionError as error:\n        raise InvalidInput("nested too deeply", place=place) from error\n',
                "",
            ),
        ),
        ("tests/unit/test_strict_json.py::test_what_is_not_json_is_refused_with_the_reason",),
    ),
    Mutant(
        "foreign-bytes-crash",
        "P8",
        "Bytes in a record that are no value end its reader with an error that is not ours.",
        (
            Edit(
                "blackboard/codec.py",
                "    except (ValueError, msgpack.exceptions.UnpackException, RecursionError, InvalidValue) as error:\n",
                "    except InvalidValue as error:\n",
            ),
        ),
        ("tests/unit/test_codec.py::test_any_bytes_decode_or_are_corrupt",),
    ),
)

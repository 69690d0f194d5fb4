"""Inputs to begin with: what the tests, the shipped scenarios, the documentation and the public data hold."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
_LONGEST = 20_000


def public_data() -> Path:
    """Where the public test data are, or would be."""
    return Path(os.environ.get("BLACKBOARD_DATA") or ROOT.parent / "shared" / "data")


def texts_of_tests(*names: str) -> list[bytes]:
    """Every text that stands in ``tests/unit/test_<name>.py``, each once."""
    found: dict[bytes, None] = {}
    for name in names:
        tree = ast.parse((ROOT / "tests" / "unit" / f"test_{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and len(node.value) < _LONGEST:
                text = node.value.encode("utf-8", "surrogatepass") if isinstance(node.value, str) else node.value
                found[text] = None
    return list(found)


def blocks_of_docs(*languages: str) -> Iterator[bytes]:
    """What stands in the fenced blocks of ``docs/`` and the README that begin with one of ``languages``."""
    for file in sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md"]):
        text = file.read_text(encoding="utf-8")
        for language, block in re.findall(r"^```(\w+)[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            if language in languages:
                yield block.encode()


def files(*patterns: str, under: Path = ROOT) -> Iterator[bytes]:
    """The contents of the files that are there, cut at 20 kB."""
    for pattern in patterns:
        for file in sorted(under.glob(pattern)):
            yield file.read_bytes()[:_LONGEST]


def naughty_texts() -> Sequence[str]:
    """The Big List of Naughty Strings, nothing where the data are not here."""
    file = public_data() / "naughty" / "blns.json"
    texts: list[str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return texts

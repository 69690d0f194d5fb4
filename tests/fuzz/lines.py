"""The readers of input lines and of settings files: JSON Lines, CSV and TOML."""

from __future__ import annotations

import io
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from blackboard.codec import pack_value
from blackboard.errors import BlackboardError, InvalidInput
from blackboard.settings import load_settings
from blackboard.strict_json import parse_json
from scenarios.input import Rejected, _csv_rows, _json_rows, _lines
from tests.fuzz.samples import files, naughty_texts, texts_of_tests
from tests.fuzz.target import Disagreement, Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

MAX_LINES = 1_000
"""of an input: each is read by itself, so many take long and mean nothing"""
WORDS = [
    b"J", b"C", b"T", b'{"a": 1}\n', b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\u", b"\\ud800", b"\\udc00", b"null", b"true", b"NaN",
    b"-Infinity", b"1e400", b"1E5", b"0.1", b'{"a":1,"a":2}\n', b"a,b\n", b'"a"",b"\n', b'1,"2\n3"\n', b'url = "memory:"\n', b'fsync = "always"\n',
    b"[tool.blackboard]\n", b"board = '''\n", b"= ", b"[[a]]\n", b"1979-05-27T07:32:00Z", b"inf", b"#", b'protocol = "3"\n', b"\xef\xbb\xbf",
]  # fmt: skip


def take(data: bytes) -> str:
    kind, content = data[:1], data[1:]
    if kind == b"T":
        return _settings(content)
    if kind == b"V":
        return _value(content)
    reader = _csv_rows if kind == b"C" else _json_rows
    content = b"\n".join(content.split(b"\n", MAX_LINES)[:MAX_LINES])
    kinds = []
    try:
        for row in reader(_lines(io.BytesIO(content)), "fuzz"):
            if isinstance(row, Rejected):
                json.dumps(row.as_record())
                kinds.append(re.sub(r"\W|\d", "", row.reason)[:30])
            else:
                pack_value(row.fields)
                kinds.append("row")
    except InvalidInput as error:
        kinds.append(re.sub(r"\W|\d", "", error.reason)[:40])
    return f"{reader.__name__} {sorted(set(kinds))[:4]}"


def _value(content: bytes) -> str:
    """One JSON text: what is taken is what Python's reader makes of it."""
    text = content.decode("utf-8", "surrogateescape")
    try:
        value = parse_json(text)
    except InvalidInput as error:
        return re.sub(r"\W|\d", "", error.reason)[:40]
    json.dumps(value, allow_nan=False)
    if value != json.loads(text):
        raise Disagreement(f"read as {value!r}")
    return f"value {type(value).__name__}"


def _settings(content: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="bbfuzz-") as folder:
        name = "pyproject.toml" if b"tool" in content else "blackboard.toml"
        (Path(folder) / name).write_bytes(content)
        try:
            settings = load_settings({}, environ={}, start=Path(folder))
        except BlackboardError as error:
            return "T" + re.sub(r"\W|\d", "", str(error).replace(folder, ""))[:40]
    return f"settings {settings.fsync} {settings.protocol} {settings.board == ''}"


def samples() -> Sequence[bytes]:
    found = [b"J" + text for text in files("scenarios/*/*.jsonl")]
    found += [b"C" + text for text in files("scenarios/*/*.csv")]
    found += [b"T" + text for text in files("pyproject.toml")]
    for text in texts_of_tests("input", "strict_json", "settings"):
        found += [kind + text for kind in (b"J", b"C", b"T", b"V")]
    texts = naughty_texts()
    found += [b"V" + json.dumps(text).encode() for text in texts]
    return [*found, b"C" + "\n".join(["a", *texts]).encode()]


def fresh(chance: Random) -> bytes:
    return chance.choice((b"J", b"C", b"T", b"V")) + b"".join(chance.choices(WORDS, k=chance.randint(1, 15)))


TARGET = Target("lines", take, samples, WORDS, fresh)

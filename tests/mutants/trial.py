"""The tests of one copy, run until one fails: which did, and whether it was the copy that they tested."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from xml.etree import ElementTree as ET

from tests.mutants.planting import temporary_folder
from tests.mutants.witness import processes_seen, strays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Result: TypeAlias = Literal["failed", "passed", "unusable"]

_PASSED, _FAILED = 0, 1
_ORACLE = re.compile(r"oracle='(\w+)'|^E\s+(?:\w+: )?(\w+): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trial:
    """How the tests went; ``test`` and ``said`` are those of the first that failed, or why they are unusable."""

    result: Result
    seconds: float
    processes: int
    """that imported the packages of the copy"""
    test: str = ""
    oracle: str = ""
    """the oracle that found the violation, where an oracle did"""
    said: str = ""
    output: str = ""


def run_tests(copy: Path, tests: Sequence[str], oracles: Iterable[str], within_s: float, *, jobs: int = 0) -> Trial:
    """Run ``tests`` in ``copy`` until one fails, for at most ``within_s`` seconds; ``jobs`` processes share them.

    Unusable: no test ran or one could not be read, the time was over, or a process imported other sources.
    """
    report = copy / "report.xml"
    started = time.monotonic()
    code, output = _pytest(copy, [*tests, f"--junitxml={report}", *(["-n", str(jobs)] if jobs else ["-x"])], within_s)
    seconds = time.monotonic() - started
    processes, elsewhere = processes_seen(copy), strays(copy)
    if elsewhere or not processes:
        said = f"imported elsewhere: {elsewhere[0]}" if elsewhere else "nothing was imported from the copy"
        return Trial("unusable", seconds, processes, said=said, output=output)
    if code == _PASSED:
        return Trial("passed", seconds, processes, output=output)
    if code != _FAILED:
        said = f"no end within {within_s:g} s" if code is None else f"pytest ended with {code}"
        return Trial("unusable", seconds, processes, said=said, output=output)
    test, text = _first_failure(report)
    said = next((line[1:].strip() for line in text.splitlines() if line.startswith("E ")), text.partition("\n")[0])
    known = set(oracles)
    oracle = next((name for names in _ORACLE.findall(text) for name in names if name in known), "")
    return Trial("failed", seconds, processes, test, oracle, said, output)


def _pytest(copy: Path, words: list[str], within_s: float) -> tuple[int | None, str]:
    """Exit code, ``None`` where it was killed for its time, and output."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "TMPDIR": str(temporary_folder(copy)), "PYTHONHASHSEED": "0"}
    environment |= {"BLACKBOARD_SAVED": str(copy / "saved")}
    for name in ("BLACKBOARD_SOAK", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.mutants.patience",
            *words,
        ],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return None, output
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output


def _first_failure(report: Path) -> tuple[str, str]:
    """The name of the first test that failed and what its report says."""
    for case in ET.parse(report).iter("testcase"):
        for trouble in (*case.findall("failure"), *case.findall("error")):
            return str(case.get("name")), trouble.text or str(trouble.get("message"))
    raise AssertionError(f"pytest failed and {report} holds no failure")

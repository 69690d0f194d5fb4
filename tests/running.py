"""The command ``run`` as a process of its own, and what its runs leave on their boards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from blackboard.control_records import ACTIVATIONS
from blackboard.keys import CONTROL_REGION, region_of
from blackboard.log import entries_after

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0


def start_run(url: str, *words: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """``blackboard run …`` against the server at ``url``; the caller waits for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "blackboard", "run", "--url", url, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit code, stdout and stderr; a run that does not end is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the run did not end within {SECONDS:g} s:\n{out}\n{err}") from error
    return process.returncode, out, err


async def domain_values(url: str, board: str) -> dict[str, Any]:
    """Every record of the board that is not the runtime's own: key and value, no times and no revisions."""
    async with await Board.open(url, board, create=False) as opened:
        records = (await opened.replica()).records()
        return {record.key: record.fresh().value for record in records if region_of(record.key) != CONTROL_REGION}


async def contributions(url: str, board: str) -> dict[str, list[str]]:
    """Activation → the commits that hold a contribution of it, by the log."""
    found: dict[str, set[str]] = defaultdict(set)
    async with await Board.open(url, board, create=False) as opened:
        async for entry in entries_after(opened.store, 0):
            for change in entry.changes:
                record = change.record
                if record is None:
                    continue
                if region_of(change.key) != CONTROL_REGION and record.activation:
                    found[record.activation].add(change.commit)
                elif (
                    change.key.startswith(ACTIVATIONS)
                    and record.value["state"] == "executed"
                    and "withdrawn" not in record.value
                ):
                    found[change.key.removeprefix(ACTIVATIONS)].add(change.commit)
    return {activation: sorted(commits) for activation, commits in found.items()}

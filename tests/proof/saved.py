"""A failing run, kept whole, so that it can be judged again without the server that it failed on."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from tests.proof.amounts import seed, soaking
from tests.proof.dump import Dump, load_dump, read_dump, save_dump
from tests.proof.history import History
from tests.proof.oracles import check
from tests.proof.run import Run
from tests.proof.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


def hold(run: Run, *more: Violation) -> None:
    """Fail unless every oracle is content with ``run`` and there are no ``more`` violations; the run is saved first.

    Says on stdout how much was judged.
    """
    violations = [*more, *check(run)]
    sys.stdout.write(f"{run.dump.name}: {run.history.summary()}; head {run.dump.revision:,}\n")
    if violations:
        directory = save(run, violations)
        listed = "\n".join(f"  {v.oracle}: {v.sentence}" for v in violations[:10])
        raise AssertionError(
            f"{len(violations)} violations, of {sorted({v.oracle for v in violations})}:\n{listed}\n"
            f"saved in {directory}; to judge it again: {sys.executable} -m tests.proof.check {directory}"
        )


@contextlib.contextmanager
def keeping(
    history: History, client: Callable[[], redis.Redis], name: str, *, may_lose: bool = False
) -> Iterator[None]:
    """Save the run where the test itself fails, before there is anything to judge; the error says where.

    The server that ``client`` reaches must be up then, or the run is saved without the board ``name``.
    """
    try:
        yield
    except Exception as error:
        dump = Dump.empty(name)
        with contextlib.suppress(redis.RedisError), client() as reading:
            dump = read_dump(reading, name)
        run = Run(history, dump, may_lose)
        violations = check(run)
        directory = save(run, [*violations, Violation("test", f"{type(error).__name__}: {error}")])
        found = sorted({violation.oracle for violation in violations})
        error.add_note(f"violations of {found}; to judge it again: {sys.executable} -m tests.proof.check {directory}")
        raise


def save(run: Run, violations: list[Violation]) -> Path:
    """Write ``run`` and what was found into a new directory below ``BLACKBOARD_SAVED`` or the temporary one."""
    above = os.environ.get("BLACKBOARD_SAVED") or None
    if above is not None:
        Path(above).mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="bbsaved-", dir=above))
    run.history.save(directory / "history.jsonl")
    save_dump(run.dump, directory / "dump.json")
    about = {
        "board": run.dump.name,
        "seed": seed(),
        "command": _command(),
        "may_lose": run.may_lose,
        "complete": run.complete,
        "violations": [violation._asdict() for violation in violations],
    }
    (directory / "run.json").write_text(json.dumps(about, indent=1))
    return directory


def load(directory: Path) -> Run:
    """The run that :func:`save` wrote."""
    about = json.loads((directory / "run.json").read_text())
    history = History.load(directory / "history.jsonl")
    return Run(history, load_dump(directory / "dump.json"), about["may_lose"], about["complete"])


def _command() -> str:
    """What runs this test again: pytest says which it is."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    words = [sys.executable, "-m", "pytest", test] if test else [sys.executable, *sys.argv]
    soak = "BLACKBOARD_SOAK=1 " if soaking() else ""
    return f"{soak}BLACKBOARD_SEED={seed()} {shlex.join(words)}"

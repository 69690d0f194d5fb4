"""A failpoint kills exactly the process, place and time that it was asked for, and costs nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from blackboard.errors import UsageError
from blackboard.failpoints import NAMES, VARIABLE, Failpoints

ROOT = Path(__file__).parents[2]


def test_none_are_there_unless_asked_for() -> None:
    assert Failpoints.from_environment({}) is None
    assert Failpoints.from_environment({VARIABLE: ""}) is None


@pytest.mark.parametrize("text", ["nowhere", "store.after_send:x", "store.after_send:-1", ",", "store.after_send:1,:2"])
def test_a_name_or_count_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=VARIABLE):
        Failpoints.from_environment({VARIABLE: text})


def test_the_process_dies_at_the_nth_pass_of_the_place_and_at_no_other() -> None:
    program = (
        "import os\n"
        "from blackboard.failpoints import Failpoints\n"
        "points = Failpoints.from_environment({'BLACKBOARD_FAILPOINTS': 'store.after_send:3, store.before_send:99'})\n"
        "for n in range(10):\n"
        "    for place in ('store.before_settle', 'store.before_send', 'store.after_send'):\n"
        "        points.hit(place)\n"
        "    print(n, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == [b"0", b"1"]


def test_every_name_that_the_source_hits_is_known_and_every_known_one_of_the_store_is_hit() -> None:
    text = (ROOT / "blackboard" / "store.py").read_text(encoding="utf-8")
    hit = {name for name in NAMES if f'hit("{name}")' in text}
    assert hit == {name for name in NAMES if name.startswith("store.")}
    assert text.count(".hit(") == len(hit)

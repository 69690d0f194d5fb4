"""A board does what a plain model of it says, whatever clients ask and whatever happens to them and the server."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.model import again
from tests.model.machine import STEPS, drive
from tests.model.model import Violation
from tests.model.scene import BOARD, World
from tests.model.steps import Steps
from tests.own_server import OwnServer
from tests.proof.amounts import amount, seed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCENES: Final = 100
"""of one run of Hypothesis, which remembers all of a run"""

RULES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("burst", "race", "flood", "create", "put", "replace", "delete", "crowd", "again"), 15),
    **dict.fromkeys(("update", "mutate", "contend", "wait", "sweep"), 15),
    **dict.fromkeys(("get", "find", "history", "changes", "at", "wait_for"), 15),
    **dict.fromkeys(("flush_scripts", "another_server", "die", "heavy"), 8),
}
"""how often each kind of step is taken in 10,000, at least"""
ON_A_SERVER: Final[Mapping[str, int]] = {"cut": 8, "restart": 2}
SEEN: Final[Mapping[str, int]] = {
    **dict.fromkeys(("done", "done: nothing changed"), 500),
    **dict.fromkeys(("done: after the one before", "done: partly changed"), 20),
    **dict.fromkeys(("once: the first result", "once: another payload"), 15),
    **dict.fromkeys((f"refused: {guard}" for guard in ("At", "Absent", "Unchanged", "Previous")), 50),
    **dict.fromkeys(("refused: Present", "refused: several guards"), 20),
    **dict.fromkeys(("logged: put", "logged: delete", "logged: expire"), 50),
    **dict.fromkeys(("raced", "contended", "found", "found: nothing", "due"), 20),
    **dict.fromkeys(
        ("waited: it was there", "waited: it came", "refused: more than is shown", "scripts forgotten", "epoch raised"),
        10,
    ),
    **dict.fromkeys(("swept: more than one call removes", "waited: in vain", "died", "died: applied"), 2),
}
"""what must have happened in 10,000 steps, how often at least"""


def run(world: World, steps: int, first: int) -> None:
    """Take at least ``steps`` steps, of the seeds from ``first`` on, and tell what happened in them."""
    number = first
    while (missing := steps - world.steps.total()) > 0:
        drive(world, min(SCENES, math.ceil(missing / STEPS)), number)
        number += 1
    sys.stdout.write(f"{world.steps.total():,} steps, BLACKBOARD_SEED={seed()}, seeds {first} to {number - 1}\n")
    for what, times in sorted({**world.steps, **world.seen}.items()):
        sys.stdout.write(f"{times:9,} {what}\n")


def check_seen(world: World, *wanted: Mapping[str, int]) -> None:
    """Every rule was followed and every outcome came about, or the steps show nothing."""
    counted = world.steps + world.seen
    share = world.steps.total() / 10_000
    least = {what: max(1, int(times * share)) for each in wanted for what, times in each.items()}
    rare = {what: counted[what] for what, times in least.items() if counted[what] < times}
    assert rare == {}, f"too rare in {world.steps.total():,} steps: {rare}"


def check_on_a_server(part: int) -> None:
    """A share of the steps, on a server of its own."""
    with OwnServer(*again.SERVER) as server, World(server) as world:
        run(world, amount(10_000, 500_000), seed() * 1_000_000 + part * 100_000)
        check_seen(world, RULES, ON_A_SERVER, SEEN)


@pytest.mark.slow
def test_a_board_on_a_server_does_what_the_model_says() -> None:
    check_on_a_server(0)


def test_what_nobody_asked_for_is_found_and_the_scene_is_saved_so_that_it_can_be_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLACKBOARD_SAVED", str(tmp_path))
    with World(None) as world:
        scene = Steps(world)
        try:
            scene.step("put", by=0, key="a/1", value=0, ttl_ms=0, status="", once="")
            world.raw.hincrby(f"bb:{{{BOARD}}}:meta", "revision", 1)
            with pytest.raises(Violation, match="revision: 2, not 1") as found:
                scene.step("get", by=1, key="a/1")
        finally:
            scene.leave()
    (path,) = tmp_path.glob("*/scene.json")
    assert found.value.__notes__ == [f"saved after step 2; take it again with: python -m tests.model.again {path}"]
    again.main(str(path))
    assert capsys.readouterr().out == "2 steps: the board does what the model says\n"


# A blocked read of fakeredis that is thrown away with its client ends with an error of its own.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*AsyncFakeSocket._async_blocking:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.slow
def test_a_board_in_this_process_does_what_the_model_says() -> None:
    with World(None) as world:
        run(world, amount(2_000, 100_000), seed() * 1_000_000 + 900_000)
        check_seen(world, RULES, SEEN)


@pytest.mark.slow
def test_a_board_on_a_server_does_what_the_model_says_in_other_scenes() -> None:
    """A test of its own, and not beside the first, so that two workers share the steps."""
    check_on_a_server(1)

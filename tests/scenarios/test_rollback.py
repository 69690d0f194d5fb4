"""``rollback``: one of three orders is undone, the latest contribution first, and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from blackboard.cli import main
from tests.scenarios.in_process import records_of, region, run, values_of

if TYPE_CHECKING:
    import pytest

FOR_GOOD = "agents.charge.use=./agents.py:charge_for_good"


def revert(url: str, board: str, *words: str) -> int:
    where = ["--url", url, "--board", board, "--by", "ana"]
    return main(["revert", "--case", "order/O-2", "--reason", "changed her mind", *where, *words])


async def test_one_order_is_undone_from_its_end_and_those_who_do_it_are_set_off(
    redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await run(redis_url, board_name, "rollback")).exit_code == 0
    assert await asyncio.to_thread(revert, redis_url, board_name) == 0
    assert "nobody leads board" in capsys.readouterr().out
    finished = await run(redis_url, board_name, "rollback", resume=True)
    assert (finished.exit_code, finished.status) == (0, "finished")
    records = await records_of(redis_url, board_name)
    undone = [records[key] for key in ("recall/O-2", "payback/O-2", "release/O-2")]
    assert [one.revision for one in undone] == sorted(one.revision for one in undone)
    assert [one.causes[0].partition("@")[0] for one in undone] == ["shipped/O-2", "charged/O-2", "reserved/O-2"]
    values = await values_of(redis_url, board_name)
    assert region(values, "paid_back") == {"O-2": {"amount": 320}}
    assert region(values, "recalled") == {"O-2": {"outcome": "taken back"}}
    assert region(values, "shelved") == {"O-2": {"sku": "chair", "count": 4}}


async def test_where_one_step_has_no_compensation_nothing_is_undone(
    redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(redis_url, board_name, "rollback", FOR_GOOD)
    assert await asyncio.to_thread(revert, redis_url, board_name) == 1
    assert "nothing was undone: charge does not say how charged/O-2 is undone" in capsys.readouterr().err
    values = await values_of(redis_url, board_name)
    assert not region(values, "recall")
    assert not region(values, "release")


async def test_put_back_by_force_the_record_is_gone_and_nobody_pays_back(redis_url: str, board_name: str) -> None:
    await run(redis_url, board_name, "rollback", FOR_GOOD)
    assert await asyncio.to_thread(revert, redis_url, board_name, "--force-restore") == 0
    await run(redis_url, board_name, "rollback", FOR_GOOD, resume=True)
    values = await values_of(redis_url, board_name)
    assert "O-2" not in region(values, "charged")
    assert not region(values, "paid_back")
    assert set(region(values, "recalled")) == {"O-2"}

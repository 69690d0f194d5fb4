"""The planted bugs: all of them fit the present source, and what is said of each comes from a copy that has it."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.mutants import patience
from tests.mutants.__main__ import examine
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.mutant import PROMISES, Edit, Mutant
from tests.mutants.planting import ROOT, Plantation
from tests.mutants.table import page
from tests.mutants.verdict import judge
from tests.mutants.witness import processes_seen, strays

if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = Edit("blackboard/keys.py", '"""The names of everything:', '"""The names of all things:')
QUICK = "tests/unit/test_keys.py"


@pytest.fixture(scope="module")
def plantation() -> Iterator[Plantation]:
    """A copy of the source to plant bugs in."""
    with Plantation() as copies:
        yield copies


@pytest.mark.parametrize("mutant", CATALOGUE, ids=lambda mutant: mutant.name)
def test_an_edit_fits_the_present_source_and_a_test_that_is_there_is_to_notice_it(mutant: Mutant) -> None:
    for edit in mutant.edits:
        text = edit.applied((ROOT / edit.file).read_text(encoding="utf-8"))
        if edit.file.endswith(".py"):
            ast.parse(text)
    assert mutant.caught_by
    for test in mutant.caught_by:
        path, _, name = test.partition("::")
        nodes = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        names = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not name or name in names, test


def test_there_are_bugs_for_every_promise_and_no_two_of_one_name() -> None:
    names = [mutant.name for mutant in CATALOGUE]
    assert len(names) == len(set(names)) >= 20
    assert {mutant.promise for mutant in CATALOGUE} == set(PROMISES)


@pytest.mark.slow
def test_a_bug_in_the_script_in_the_session_and_in_the_controller_is_caught_and_told_by_whom(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = ("no-guard-checked", "conflict-told-as-success", "done-marker-removed")
    verdicts = examine([mutant for mutant in CATALOGUE if mutant.name in chosen], jobs=2)
    assert verdicts is not None
    assert [(verdict.mutant.name, verdict.fate) for verdict in verdicts] == [(name, "caught") for name in chosen]
    by_name = {verdict.mutant.name: verdict for verdict in verdicts}
    assert by_name["no-guard-checked"].catcher == "oracle: guards"
    assert "oracle: contributions" in by_name["done-marker-removed"].catcher
    assert "3 of 3 caught" in capsys.readouterr().out
    assert page(verdicts).count("oracle *") >= 1


def test_a_bug_that_no_test_notices_has_survived(plantation: Plantation) -> None:
    verdict = judge(plantation, Mutant("x", "P1", "Nothing.", (HARMLESS,), (QUICK,)), ())
    assert verdict.fate == "survived"
    assert verdict.trial is not None
    assert verdict.trial.processes == 1
    assert "SURVIVED" in verdict.catcher


def test_an_edit_that_no_longer_fits_and_a_test_that_is_gone_are_told(plantation: Plantation) -> None:
    gone = Edit("blackboard/keys.py", "what is not there", "")
    verdict = judge(plantation, Mutant("x", "P1", "Nothing.", (gone,), (QUICK,)), ())
    assert verdict.fate == "not planted"
    assert "holds 0 times" in verdict.catcher
    verdict = judge(plantation, Mutant("x", "P1", "Nothing.", (HARMLESS,), (QUICK + "::test_that_is_gone",)), ())
    assert verdict.fate == "unusable"


def test_where_the_tests_fail_without_a_bug_nothing_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    mutant = Mutant("x", "P1", "Nothing.", (HARMLESS,), ("tests/unit/test_that_is_gone.py",))
    assert examine([mutant], jobs=1) is None
    assert "fail without any bug planted" in capsys.readouterr().out


def test_a_process_that_would_import_other_sources_is_stopped_and_noted(plantation: Plantation) -> None:
    """A copy proves that it is what is tested: the installed source, found first, is refused."""
    copy = plantation.plant((HARMLESS,))
    try:
        program = "import sys\nif sys.argv[1:]: sys.path.insert(0, sys.argv[1])\nimport blackboard\n"
        environment = {"PYTHONPATH": str(copy)}
        subprocess.run([sys.executable, "-c", program], env=environment, cwd=copy, check=True)
        assert (processes_seen(copy), strays(copy)) == (1, [])
        foreign = subprocess.run(
            [sys.executable, "-c", program, ROOT],
            env=environment,
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "would be imported from" in foreign.stderr
        (noted,) = strays(copy)
        assert str(ROOT / "blackboard") in noted
    finally:
        plantation.uproot(copy)


def test_a_test_that_does_not_end_fails_though_its_event_loop_swallows_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that strikes a callback is reported by the loop and goes no further, and a spinning loop only calls."""
    monkeypatch.setattr(patience, "PHASE_WITHIN_S", 0.05)

    async def spin() -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            loop.call_soon(again)

        again()
        await loop.create_future()

    limit = patience.pytest_runtest_call()
    next(limit)
    with pytest.raises(patience.NoEnd):
        asyncio.run(spin())
    limit.close()

"""A scenario's agents are loaded with its settings over their own, and each that cannot be is said at its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main
from blackboard.pattern import Pattern
from scenarios.loading import load_scenario
from scenarios.problem import InvalidScenario
from scenarios.team import Team, load_team, require_named

if TYPE_CHECKING:
    from pathlib import Path

    from knowledge_sources.source import KnowledgeSource

AGENTS = """
from knowledge_sources import knowledge_source, supervisor


@knowledge_source(watches={"item": "return/{rma}"}, unless="refund/{rma}", contributes="refund/{rma}",
                  config={"limit": 5, "kept": 1}, retry={"attempts": 4, "backoff": "2s"}, respond_within="9s")
def clerk(item):
    return {"amount": 1}


@knowledge_source(watches={"item": "count/{n} where value.to > 0"}, contributes="count/*")
def counter(item):
    return None


@supervisor(over="clerk")
def boss(overdue):
    return None


@knowledge_source(watches={"item": "return/{rma}"}, level="urgent")
def urgent(item):
    return None
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agents.py").write_text(AGENTS, encoding="utf-8")
    return tmp_path


def team(folder: Path, text: str) -> Team:
    (folder / "scenario.yaml").write_text("version: 1\n" + text, encoding="utf-8")
    return load_team(load_scenario(folder))


def only(found: Team) -> KnowledgeSource:
    assert found.problems == ()
    (source,) = found.sources
    return source


def test_what_the_scenario_does_not_set_stays_as_declared(folder: Path) -> None:
    source = only(team(folder, "agents: {refund_a: {use: ./agents.py:clerk}}"))
    assert (source.name, source.level, source.respond_within_ms, source.guarded) == ("refund_a", "normal", 9_000, True)
    assert (source.config, source.retry.attempts, source.retry.backoff_ms) == ({"limit": 5, "kept": 1}, 4, 2_000)


def test_what_the_scenario_sets_overrides_the_declaration_part_by_part(folder: Path) -> None:
    source = only(team(folder, """agents:
  a: {use: ./agents.py:clerk, priority: high, rating: 7, respond_within: 1s, with: {limit: 9}, max_running: 2,
      retry: {attempts: 2, cap: 5s}, escalate: human, guard: off}
"""))  # fmt: skip
    assert (source.level, source.rating, source.respond_within_ms, source.max_running) == ("high", 7, 1_000, 2)
    assert source.config == {"limit": 9, "kept": 1}
    assert (source.retry.attempts, source.retry.backoff_ms, source.retry.cap_ms) == (2, 2_000, 5_000)
    assert (source.escalate, source.guarded) == (("human",), False)


def test_the_guard_of_the_scenario_switches_off_every_agents(folder: Path) -> None:
    assert not only(team(folder, "guard: off\nagents: {a: {use: ./agents.py:clerk, guard: on}}")).guarded


def test_an_agent_that_names_no_level_gets_one_that_the_scenario_has(folder: Path) -> None:
    assert only(team(folder, "levels: [a, b, c]\nagents: {a: {use: ./agents.py:clerk}}")).level == "b"


def test_a_declared_level_that_the_scenario_does_not_have_is_a_problem_at_the_agent(folder: Path) -> None:
    (problem,) = team(folder, "agents: {a: {use: ./agents.py:urgent}}").problems
    assert problem.place == "scenario.yaml:2:13"
    assert "level 'urgent' is not one of the levels" in problem.message


def test_every_agent_that_cannot_be_loaded_is_a_problem_at_its_use(folder: Path) -> None:
    (folder / "broken.py").write_text("x = 1\nraise RuntimeError('not today')\n", encoding="utf-8")
    found = team(folder, """agents:
  a: {use: ./agents.py:clrk}
  b: {use: ./none.py:x}
  c: {use: ./broken.py:x}
  d: {use: ./agents.py:clerk, authority: decide}
  e: {use: ./agents.py:clerk}
""")  # fmt: skip
    assert [source.name for source in found.sources] == ["e"]
    assert [(problem.place, problem.path) for problem in found.problems] == [
        ("scenario.yaml:3:12", "agents.a.use"), ("scenario.yaml:4:12", "agents.b.use"),
        ("scenario.yaml:5:12", "agents.c.use"), ("scenario.yaml:6:6", "agents.d"),
    ]  # fmt: skip
    assert "did you mean 'clerk'?" in found.problems[0].message
    assert "broken.py:2" in found.problems[2].message
    with pytest.raises(InvalidScenario, match="not today"):
        require_named(load_scenario(folder))


def test_agents_in_the_folder_join_under_their_own_names(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "late.py").write_text(AGENTS.replace('level="urgent"', ""), encoding="utf-8")
    (folder / "more" / "bad.py").write_text("1 / 0\n", encoding="utf-8")
    found = team(folder, "agents_dir: more\nagents: {clerk: {use: ./agents.py:clerk}}")
    assert [source.name for source in found.sources] == ["clerk", "counter", "boss", "urgent"]
    assert ["ZeroDivisionError" in problem.message for problem in found.problems] == [True, False]
    assert found.problems[1].message == "'clerk' is already one of the agents"


def test_an_agent_whose_write_its_own_watch_covers_is_warned_of_unless_the_write_blocks_it(folder: Path) -> None:
    found = team(folder, "agents: {clerk: {use: ./agents.py:clerk}, counter: {use: ./agents.py:counter}}")
    (warning,) = found.warnings
    assert (warning.place, warning.path) == ("scenario.yaml:2:52", "agents.counter")
    assert "'counter' writes count/*, which its own watch" in warning.message


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (True, "a/{x}", "a/*"), (True, "a/b", "a/{x}"), (False, "a/b", "a/c"), (False, "a/{x}", "a/{x}/b"),
        (True, "a/**", "a/{x}/b"), (False, "a/**", "b/x"), (True, "a/{x}/c", "a/b/{y}"), (False, "a/{x}/c", "a/b/d"),
    ],
)  # fmt: skip
def test_templates_overlap_if_some_key_fits_both(expected: bool, one: str, other: str) -> None:
    assert Pattern.parse(one).overlaps(Pattern.parse(other)) is expected
    assert Pattern.parse(other).overlaps(Pattern.parse(one)) is expected


def test_check_says_ok_with_what_it_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team(folder, "agents: {a: {use: ./agents.py:clerk}}\nexpect: [{fired: a, at_least: 1}]")
    assert main(["check", "."]) == 0
    assert capsys.readouterr().out == "scenario.yaml: ok: 1 agent, 1 expectation\n"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([], "case: return/{rma}\nrecords: [{key: stock/1, value: 1}]"),
        (["scenario.yaml:3:7: case: no agent watches retrun/{rma}: did you mean 'return'?"], "case: retrun/{rma}"),
        (["scenario.yaml:3:7: case: no agent watches order/{id}: the cases wake nobody"], "case: order/{id}"),
        (["scenario.yaml:3:7: case: no agent watches return/{rma}/x: the cases wake nobody"], "case: return/{rma}/x"),
        ([], "records: [{key: return/1, value: 1}, {key: stock/1, value: 1}]"),
        (
            ["scenario.yaml:3:17: records[0].key: no agent watches stock/1: nothing that the scenario opens with wakes anybody"],
            "records: [{key: stock/1, value: 1}]\nevents: [{at: 1s, post: {key: price/1, value: 1}}]",
        ),
        ([], "records: [{key: stock/1, value: 1}]\nevents: [{at: 1s, post: {key: return/1, value: 1}}]"),
        (
            ["scenario.yaml:3:31: events[0].post.key: no agent watches returns/1: did you mean 'return'?"],
            "events: [{at: 1s, post: {key: returns/1, value: 1}}]\ncase: return/{rma}",
        ),
    ],
)  # fmt: skip
def test_check_warns_of_what_is_fed_and_wakes_nobody_and_not_of_what_agents_may_read(
    folder: Path, capsys: pytest.CaptureFixture[str], expected: list[str], text: str
) -> None:
    team(folder, "agents: {a: {use: ./agents.py:clerk}}\n" + text)
    assert main(["check", ".", "-o", "json"]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert [f"{one['place']}: {one['path']}: {one['message']}" for one in warnings] == expected


def test_check_ends_with_3_and_every_place_where_something_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team(folder, "agents: {a: {use: ./agents.py:clrk}}")
    assert main(["check", "scenario.yaml"]) == 3
    assert "scenario.yaml:2:19: agents.a.use: " in capsys.readouterr().out
    (folder / "scenario.yaml").write_text("version: 1\ninptu: x\n", encoding="utf-8")
    assert main(["check", "scenario.yaml", "-o", "json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["problems"][0]["place"]) == (False, "scenario.yaml:2:1")


def test_check_names_each_file_to_be_fed_that_is_not_there_where_the_scenario_names_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "returns.jsonl").write_text("", encoding="utf-8")
    agents = "agents: {a: {use: ./agents.py:clerk}}\ncase: return/{rma}\n"
    team(folder, agents + "input: return.jsonl\nrecords: [{from: stock.csv, key: 'stock/{sku}'}]\n")
    assert main(["check", "scenario.yaml"]) == 3
    shown = capsys.readouterr().out
    assert "scenario.yaml:4:8: input: " in shown
    assert "No such file or directory; did you mean 'returns.jsonl'?" in shown
    assert "scenario.yaml:5:18: records[0].from: " in shown


def test_check_takes_settings_and_names_the_nearest_for_an_unknown_scenario(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team(folder, "agents: {a: {use: ./agents.py:clerk}}")
    assert main(["check", ".", "--set", "max_running=0"]) == 3
    assert "--set max_running=0: max_running: " in capsys.readouterr().out
    assert main(["check", ".", "--set", "max_running"]) == 2
    assert main(["check", "proces_return"]) == 5
    assert "did you mean 'process_return'?" in capsys.readouterr().err


def test_every_shipped_scenario_passes_check(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first_agent", "process_return", "double_refund"):
        assert main(["check", name]) == 0, capsys.readouterr().out

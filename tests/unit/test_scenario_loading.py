"""A scenario file is checked as a whole, and every finding stands at its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blackboard.errors import InvalidInput
from scenarios.event_models import PostEvent, RetractEvent
from scenarios.expectation_models import CountExpectation, EscalatedExpectation, FiredExpectation
from scenarios.fault_models import FailFault, InvalidFault, SlowFault
from scenarios.loading import NoSuchScenario, find_scenario, load_scenario, name_to_run
from scenarios.problem import InvalidScenario
from scenarios.record_models import InlineRecord, RecordsFile
from scenarios.setting import InvalidSetting
from scenarios.shipped import shipped_scenarios
from tests.processor_time import processor_time_below

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.scenario import Scenario

AGENTS = "agents: {clerk: {use: ./a.py:clerk}, boss: {use: ./a.py:boss}}\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's scenario goes: ``scenario.yaml`` in the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "scenario.yaml"


def loaded(file: Path, text: str, *sets: str) -> Scenario:
    file.write_text("version: 1\n" + AGENTS + text, encoding="utf-8")
    return load_scenario(file, sets)


def findings(file: Path, text: str, *sets: str) -> list[str]:
    """What is said of a file whose first line is ``version: 1``, without the file's name."""
    file.write_text("version: 1\n" + text, encoding="utf-8")
    with pytest.raises(InvalidScenario) as refused:
        load_scenario(file, sets)
    return [str(problem).removeprefix("scenario.yaml:") for problem in refused.value.problems]


def test_every_key_of_the_file_is_read_into_its_typed_place(file: Path) -> None:
    scenario = loaded(
        file,
        """description: all of it
input: in.jsonl
case: return/{rma}
records:
  - {key: policy/returns, value: {days: 30}, ttl: 1h}
  - {from: orders.csv, key: "order/{order}"}
levels: [urgent, calm]
agents_dir: agents/
max_running: 4
guard: off
limits: {case: {attempts: 5, cost: 0.50}, work_item: {time: 2m}, run: {time: 60s, overhead: 30%, firings: 9}}
expect:
  - {count: 'refund/* where amount > 5', equals: 3}
  - {fired: boss, at_least: 1}
  - {escalated: 2}
  - {eventually: a/b}
  - {never: a/c}
  - {quiescent: true}
""",
    )
    inline, from_file = scenario.records
    assert isinstance(inline, InlineRecord)
    assert (inline.key.text, inline.value, inline.ttl_ms) == ("policy/returns", {"days": 30}, 3_600_000)
    assert isinstance(from_file, RecordsFile)
    assert (from_file.source, from_file.key.captures) == ("orders.csv", ("order",))
    assert scenario.case is not None
    assert scenario.case.captures == ("rma",)
    assert (scenario.guard, scenario.max_running, scenario.levels) == (False, 4, ("urgent", "calm"))
    assert (scenario.limits.case.attempts, scenario.limits.work_item.time_ms) == (5, 120_000)
    assert (scenario.limits.run.time_ms, scenario.limits.run.overhead, scenario.limits.run.firings) == (60_000, 0.3, 9)
    kinds = [type(expectation) for expectation in scenario.expect[:3]]
    assert kinds == [CountExpectation, FiredExpectation, EscalatedExpectation]


def test_events_and_faults_are_read_into_their_kinds(file: Path) -> None:
    scenario = loaded(
        file,
        """events:
  - {at: 2s, post: {key: a/b, value: 1, ttl: 1h}}
  - {at: 0s, retract: a/b}
faults:
  - {agent: clerk, fail: down, times: 2}
  - {agent: clerk, slow: 3s}
  - {agent: boss, invalid: true, when: a/* where b == 1}
""",
    )
    post, retract = scenario.events
    assert isinstance(post, PostEvent)
    assert (post.at_ms, post.key.text, post.post.value, post.post.ttl_ms) == (2_000, "a/b", 1, 3_600_000)
    assert isinstance(retract, RetractEvent)
    assert (retract.at_ms, retract.key.text) == (0, "a/b")
    fail, slow, invalid = scenario.faults
    assert isinstance(fail, FailFault)
    assert (fail.agent, fail.fail, fail.times, fail.when) == ("clerk", "down", 2, None)
    assert isinstance(slow, SlowFault)
    assert (slow.slow, slow.times) == (3_000, 1)
    assert isinstance(invalid, InvalidFault)
    assert invalid.when is not None
    assert invalid.when.text == "a/* where b == 1"


def test_a_fault_may_name_an_agent_that_is_yet_to_join(file: Path) -> None:
    assert loaded(file, "agents_dir: more\nfaults: [{agent: late, fail: x}]\n").faults[0].agent == "late"


def test_an_agents_settings_are_read_and_what_is_not_given_overrides_nothing(file: Path) -> None:
    scenario = load_text(
        file,
        """agents:
  a: {use: m:a, priority: high, rating: 2, respond_within: 30s, escalate: [b, human], with: {limit: 200},
      retry: {attempts: 3, backoff: 1s, cap: 30s}, max_running: 2, guard: on}
  b: {use: m:b, authority: [decide, extend], over: a}
""",
    )
    a, b = scenario.agents["a"], scenario.agents["b"]
    assert (a.priority, a.rating, a.respond_within_ms, a.escalate) == ("high", 2, 30_000, ("b", "human"))
    assert a.retry is not None
    assert (a.config, a.retry.backoff_ms, a.max_running, a.guard) == ({"limit": 200}, 1_000, 2, True)
    assert (b.authority, b.over, b.guard, b.retry, b.config) == (("decide", "extend"), ("a",), None, None, {})


def load_text(file: Path, text: str) -> Scenario:
    file.write_text("version: 1\n" + text, encoding="utf-8")
    return load_scenario(file)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("2:1: inptu: unknown key; did you mean 'input'?", "inptu: x\n" + AGENTS),
        ("2:14: agents.a.us: unknown key; did you mean 'use'?", "agents: {a: {us: 'm:a'}}"),
        ("2:42: agents.a.respond_within: 30 is not a duration", "agents: {a: {use: 'm:a', respond_within: 30}}"),
        ("3:14: max_running: should be", "agents_dir: x\nmax_running: 0"),
        ("3:11: critical: should be a list, not 'refund/*'", "agents_dir: x\ncritical: refund/*"),
        ("3:8: guard: 'no' is neither on nor off", AGENTS + "guard: no"),
        ("3:28: limits.case.attempts: should be a whole number, not 'many'", AGENTS + "limits: {case: {attempts:  many}}"),
        ("3:28: limits.run.overhead: 30 is not a share: write a percentage", AGENTS + "limits: {run: {overhead:   30}}"),
        ("3:14: expect[0].equal: unknown key; did you mean 'equals'?", AGENTS + "expect: [{   equal: 3, count: a/*}]"),
        ("3:11: expect[0].evntually: unknown key; did you mean 'eventually'?", AGENTS + "expect: [{evntually: a/*}]"),
        ("3:10: expect[0]: an expectation has one of the keys count", AGENTS + "expect: [{nothing: 1}]"),
        ("3:10: expect[0]: equals says it all", AGENTS + "expect: [{count: a/*, equals: 1, at_most: 2}]"),
        ("3:10: expect[0]: say how many", AGENTS + "expect: [{fired: boss}]"),
        ("3:18: expect[0].fired: no agent is called 'bos'; did you mean 'boss'?", AGENTS + "expect: [{fired: bos, equals: 1}]"),
        ("3:17: records[0].key: has a field in braces", AGENTS + "records: [{key: 'a/{b}', value: 1}]"),
        ("3:17: records[0].key: control/ is written by the runtime", AGENTS + "records: [{key: control/x, value: 1}]"),
        ("3:12: records[0].vale: unknown key; did you mean 'value'?", AGENTS + "records: [{vale: 1, key: a}]"),
        ("3:14: events[0]: an event has one of the keys post, retract", AGENTS + "events: [    {at: 1s}]"),
        ("3:15: events[0].psot: unknown key; did you mean 'post'?", AGENTS + "events: [{    psot: {key: a, value: 1}, at: 1s}]"),
        ("3:15: events[0].at: 2 is not a duration", AGENTS + "events: [{at: 2, retract: a}]"),
        ("3:10: events[0].at: is missing", AGENTS + "events: [{retract: a}]"),
        ("3:30: events[0].retract: control/ is written by the runtime", AGENTS + "events: [{at: 1s, retract:   control/run}]"),
        ("3:31: events[0].post.key: control/ is written", AGENTS + "events: [{at: 1s, post: {key: control/run, value: 1}}]"),
        ("3:31: events[0].post.key: has a field in braces", AGENTS + "events: [{at: 1s, post: {key: 'a/{b}', value: 1}}]"),
        ("3:28: events[0].retract: has a field in braces", AGENTS + "events: [{at: 1s, retract: 'a/{b}'}]"),
        ("3:28: events[0].retract: a key has no wildcards", AGENTS + "events: [{at: 1s, retract: a/*}]"),
        ("3:34: events[0].post.tll: unknown key; did you mean 'ttl'?", AGENTS + "events: [{at: 1s, post: {key: a, tll: 1s, value: 1}}]"),
        ("3:18: faults[0].agent: no agent is called 'bos'; did you mean 'boss'?", AGENTS + "faults: [{agent: bos, fail: x}]"),
        ("3:18: faults[0].agent: no agent is called 'human'", AGENTS + "faults: [{agent: human, fail: x}]"),
        ("3:10: faults[0]: a fault has one of the keys fail, slow, invalid", AGENTS + "faults: [{agent: boss}]"),
        ("3:24: faults[0].solw: unknown key; did you mean 'slow'?", AGENTS + "faults: [{agent: boss, solw: 3s}]"),
        ("3:33: faults[0].invalid: should be true, not false", AGENTS + "faults: [{agent: boss, invalid: false}]"),
        ("3:30: faults[0].slow: must be longer than nothing", AGENTS + "faults: [{agent: boss, slow: 0s}]"),
        ("3:40: faults[0].times: should be greater", AGENTS + "faults: [{agent: boss, fail: x, times: 0}]"),
        ("3:47: faults[0].when: ", AGENTS + "faults: [{agent: boss, fail: x, when: a where = 1}]"),
        ("3:7: case: a key has no condition", AGENTS + "case: a/{b} where c == 1"),
        ("3:7: case: a key has no wildcards", AGENTS + "case: a/*"),
        ("3:8: input: needs case", AGENTS + "input: x.jsonl"),
        ("3:19: policy.ageing: should be greater than or equal to 0", AGENTS + "policy: {ageing:  -1}"),
        ("3:16: policy.tie: ", AGENTS + "policy: {tie:  lifo}"),
        ("3:26: policy.promote_after: must be longer than nothing", AGENTS + "policy: {promote_after:  0s}"),
        ("3:17: policy.fair: ", AGENTS + "policy: {fair:  a b}"),
        ("3:40: limits.running.capture.customer: should be greater than or equal to 1",
         AGENTS + "limits: {running: {capture: {customer: 0}}}"),
        ("3:9: levels: names a level twice", AGENTS + "levels: [a, a]"),
        ("1:1: has neither agents nor agents_dir", "description: x"),
        ("2:17: agents.human: 'human' is what a person is called", "agents: {human: {use: m:a}}"),
        ("2:38: agents.a.priority: 'hihg' is not one of the levels; did you mean 'high'?", "agents: {a: {use: 'm:a', priority:   hihg}}"),
        ("2:36: agents.a.escalate: 'a' would escalate to itself", "agents: {a: {use: 'm:a', escalate: a}}"),
        ("2:36: agents.a.escalate: 'human' is the last rung", "agents: {a: {use: 'm:a', escalate: [human, b]}, b: {use: m:b}}"),
        ("2:37: agents.a.authority: 'extned' is no order; did you mean 'extend'?", "agents: {a: {use: 'm:a', authority: extned}}"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place_with_its_path(file: Path, expected: str, text: str) -> None:
    assert [found for found in findings(file, text) if found.startswith(expected)], findings(file, text)


def test_the_place_is_the_line_and_column_of_the_value_and_of_the_name_for_an_unknown_key(file: Path) -> None:
    text = "agents:\n  clerk: {use: m:a}\nlimits:\n  case: {attempts: many}\ninptu: x\nexpect:\n  - {fired: clrk, equals: 1}\n"
    assert [found.partition(" ")[0] for found in findings(file, text)] == ["5:20:", "6:1:"]


def test_a_pattern_that_does_not_parse_is_pointed_at_inside_the_file(file: Path) -> None:
    (found,) = findings(file, AGENTS + "expect:\n  - never: 'refund/* where amount > 5 && state = 1'\n")
    place, _, rest = found.partition(": ")
    assert place == "4:48"
    assert rest.splitlines()[1:] == ["    refund/* where amount > 5 && state = 1", " " * 39 + "^"]


def test_a_pattern_over_two_lines_is_placed_at_its_begin_and_says_its_column(file: Path) -> None:
    (found,) = findings(file, AGENTS + "expect:\n  - never: >-\n      refund/*\n      where amount = 5\n")
    assert found.startswith("4:12: expect[0].never: ")
    assert "of the pattern)" in found


def test_all_problems_are_told_at_once_in_the_order_of_the_file_and_at_most_twenty_are_shown(file: Path) -> None:
    file.write_text("version: 1\n" + "".join(f"key{i}: 1\n" for i in range(30)), encoding="utf-8")
    with pytest.raises(InvalidScenario) as refused:
        load_scenario(file)
    assert len(refused.value.problems) == 30
    assert str(refused.value).splitlines()[0].startswith("scenario.yaml:2:1: key0: unknown key")
    assert str(refused.value).splitlines()[-1] == "and 10 more"
    assert refused.value.exit_code == 3


def test_a_version_that_is_not_known_is_refused(file: Path) -> None:
    file.write_text("version: 2\n" + AGENTS, encoding="utf-8")
    with pytest.raises(InvalidScenario, match=r"scenario\.yaml:1:10: version: "):
        load_scenario(file)


def test_a_set_overrides_the_file_before_it_is_checked(file: Path) -> None:
    scenario = loaded(file, "guard: on\nlimits:\n", "guard=off", "limits.case.attempts=3", "agents.clerk.with.limit=07")
    assert not scenario.guard
    assert scenario.limits.case.attempts == 3
    assert scenario.agents["clerk"].config == {"limit": 7}
    assert scenario.sets == ("guard=off", "limits.case.attempts=3", "agents.clerk.with.limit=07")
    assert scenario.document["limits"] == {"case": {"attempts": 3}}


def test_a_set_may_name_an_item_of_a_list_and_give_a_quoted_text_or_a_list(file: Path) -> None:
    scenario = loaded(
        file,
        "expect: [{escalated: 1}]\n",
        "expect.0.escalated=2",
        "agents.clerk.escalate=[boss, human]",
        "description='5'",
    )
    (escalated,) = scenario.expect
    assert isinstance(escalated, EscalatedExpectation)
    assert escalated.escalated.equals == 2
    assert scenario.agents["clerk"].escalate == ("boss", "human")
    assert scenario.description == "5"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("--set limits.case.attempts=x: limits.case.attempts: should be a whole number", "limits.case.attempts=x"),
        (
            "--set agents.clrk.priority=high: agents.clrk: no agent is called 'clrk'; did you mean 'clerk'?",
            "agents.clrk.priority=high",
        ),
        ("--set agents.x.rating=2: agents.x: no agent is called 'x'; there is boss, clerk", "agents.x.rating=2"),
        ("--set gaurd=off: gaurd: unknown key; did you mean 'guard'?", "gaurd=off"),
        ("--set description=[1: value:2:1: ", "description=[1"),
        ("--set max_running=1e999: 1e999 is too large", "max_running=1e999"),
    ],
)
def test_what_is_wrong_with_a_set_is_said_of_that_set(file: Path, message: str, text: str) -> None:
    with pytest.raises(InvalidScenario) as refused:
        loaded(file, "", text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("write a path and a value", "guard"),
        ("write a path and a value", "=x"),
        ("write a path and a value", "a..b=1"),
        ("'9' is not an index of the list, which has 1 items", "expect.9=1"),
        ("what stands before 'x' is a value", "version.x=1"),
        ("deeper than 64 levels", "a." * 70 + "b=1"),
    ],
)
def test_a_set_that_leads_nowhere_is_a_usage_error(file: Path, reason: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=reason) as refused:
        loaded(file, "expect: [{escalated: 1}]\n", text)
    assert refused.value.exit_code == 2


def test_a_scenario_is_found_by_its_file_its_folder_or_its_shipped_name(file: Path) -> None:
    by_file = loaded(file, "")
    assert load_scenario(file.parent).file == by_file.file == file.resolve()
    assert by_file.folder == file.parent.resolve()
    assert by_file.name == file.parent.name
    for name in shipped_scenarios():
        assert find_scenario(name).is_file()


def test_every_shipped_scenario_loads() -> None:
    assert {load_scenario(name).name for name in shipped_scenarios()} == set(shipped_scenarios())


def test_a_run_is_taken_up_from_any_folder_by_the_name_of_a_shipped_scenario_or_the_path_of_another(file: Path) -> None:
    assert [name_to_run(find_scenario(name)) for name in shipped_scenarios()] == list(shipped_scenarios())
    file.touch()
    assert find_scenario(name_to_run(file)) == file.resolve()


def test_a_users_own_folder_called_scenarios_does_not_hide_the_shipped_ones(file: Path) -> None:
    (file.parent / "scenarios").mkdir()
    assert find_scenario(shipped_scenarios()[0]).is_file()


def test_an_unknown_name_selects_nothing_and_names_the_nearest(file: Path) -> None:
    with pytest.raises(NoSuchScenario, match="did you mean 'double_refund'") as refused:
        find_scenario("doubel_refund")
    assert refused.value.exit_code == 5


@pytest.mark.parametrize("name", ["", "\0", "../..", "x" * 5_000, "commands"])
def test_a_name_that_is_none_selects_nothing(file: Path, name: str) -> None:
    with pytest.raises(NoSuchScenario):
        find_scenario(name)


def test_a_file_that_cannot_be_read_is_invalid(file: Path) -> None:
    with pytest.raises(InvalidInput):
        load_scenario("/proc/self/mem")


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{i}: v\n" for i in range(24_000)),
        "agents:\n" + "".join(f"  a{i}: {{use: m:a, escalate: [z1, z2]}}\n" for i in range(2_000)),
        "agents:\n" + "".join(f"  a{i}: {{ues: m:a, priorty: x}}\n" for i in range(2_000)),
        "agents: {a: {use: m:a, limit: {}}}\nexpect:\n" + "- {kount: a/*, equal: 1}\n" * 2_000,
        "agents:\n  a:\n" + "".join(f"    k{i}: v\n" for i in range(24_000)),
        "expect:\n" + "- {count: a/*, equals: 1}\n" * 9_000,
        "expect:\n" + "- {kount: a/*}\n" * 12_000,
        "records:\n" + "- {key: a, value: 1}\n" * 9_000,
        "events:\n" + "- {at: 1, retract: a}\n" * 2_000,
        "faults:\n" + "- {agent: zzz, slow: 1s}\n" * 2_000,
        "agents:\n" + "".join(f"  a{i}: {{use: m:a, escalate: zzz}}\n" for i in range(8_000)),
        "agents:\n" + "".join(f"  a{i}: {{ues: m:a}}\n" for i in range(12_000)),
        "expect: [{never: 'a where " + "(" * 1_000 + "'}]",
        "expect: [{never: 'a where " + "x == 1 && " * 90_000 + "y == 2'}]",
        "levels: [" + "a, " * 20_000 + "b]",
    ],
    ids=[
        "unknown keys",
        "many ladders",
        "many misspelt agents",
        "many misspelt expectations",
        "unknown settings",
        "expectations",
        "misspelt",
        "records",
        "events",
        "faults",
        "ladders",
        "agents",
        "brackets",
        "long predicate",
        "levels",
    ],
)
def test_a_large_file_full_of_mistakes_is_refused_within_a_second(file: Path, text: str) -> None:
    file.write_text("version: 1\n" + text, encoding="utf-8")
    with processor_time_below(1.0), pytest.raises(InvalidScenario):
        load_scenario(file)

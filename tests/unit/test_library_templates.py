"""A template becomes an agent by what it is given; what is wrong is said at its place and by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blackboard.cli import main
from knowledge_sources import DeclarationError, LoadingError
from knowledge_sources import library as shelf
from knowledge_sources.library import advance, planner
from knowledge_sources.loading import load_agent, load_source, sources_in
from knowledge_sources.template import InvalidParameters, Template
from scenarios.loading import load_scenario
from scenarios.team import load_team

if TYPE_CHECKING:
    from pathlib import Path

    from knowledge_sources.source import KnowledgeSource


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(folder: Path, agents: str) -> list[str]:
    (folder / "scenario.yaml").write_text("version: 1\nagents:\n" + agents, encoding="utf-8")
    return [str(problem) for problem in load_team(load_scenario(folder)).problems]


def test_every_template_of_the_library_is_found_by_its_short_name(tmp_path: Path) -> None:
    for name in shelf.__all__:
        found = load_agent(f"library:{name}", tmp_path)
        assert isinstance(found, Template)
        assert found.name == name
        assert found.description


def test_a_template_alone_is_no_agent(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="is a template"):
        load_source("library:planner", tmp_path)


def test_an_agent_of_the_library_is_an_ordinary_one_with_the_settings_of_the_scenario(tmp_path: Path) -> None:
    agents = "  plan: {use: 'library:planner', priority: high, with: {watches: 'return/{rma}', plan: 'plan/{rma}'}}\n"
    (tmp_path / "scenario.yaml").write_text("version: 1\nagents:\n" + agents, encoding="utf-8")
    (source,) = load_team(load_scenario(tmp_path)).sources
    assert (source.name, source.level, source.source) == ("plan", "high", "library:planner")
    assert [watch.pattern.text for watch in source.watches] == ["return/{rma}"]
    assert [pattern.text for pattern in source.contributes] == ["plan/{rma}", "plan/{rma}/*"]
    assert source.config == {"watches": "return/{rma}", "plan": "plan/{rma}"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{}", "agents.plan.with.watches: is missing"),
        (
            "{watchs: 'goal/{case}'}",
            "agents.plan.with.watchs: unknown parameter; did you mean 'watches'?",
        ),
        (
            "{watches: 'goal/{case}', plan: 'plan/*'}",
            "agents.plan.with.plan: a key has no wildcards: write captures in braces",
        ),
        ("{watches: 7}", "agents.plan.with.watches: 7 is not a pattern"),
        (
            "{watches: 'goal/{id}'}",
            "agents.plan.with: contributes: {case} in 'plan/{case}' is bound by no watch (they bind {id})",
        ),
        (
            "{watches: 'goal/{case}', plans: [{steps: {a: {needs: [b]}, b: {needs: [a]}}}]}",
            "agents.plan.with.plans[0].steps.a.needs: the steps wait for each other: a needs b",
        ),
        (
            "{watches: 'goal/{case}', plans: [{when: 'kind = 1', steps: {a: }}]}",
            "agents.plan.with.plans[0].when: ",
        ),
        (
            "{watches: 'goal/{case}', by: './plans.py:made'}",
            "agents.plan.with.by: there is no file",
        ),
        (
            "{watches: 'goal/{case}', by: 'json:dumps', plans: [{steps: {a: }}]}",
            "agents.plan.with.by: dumps: parameter 'obj' is bound to nothing",
        ),
    ],
)
def test_a_wrong_parameter_is_said_at_its_place_in_the_file(tmp_path: Path, given: str, told: str) -> None:
    (found,) = problems(tmp_path, f"  plan: {{use: 'library:planner', with: {given}}}\n")
    assert found.startswith("scenario.yaml:3:")
    assert told in found


@pytest.mark.parametrize("given", ["merge', with: {contributes: 'c/{id}'", "compressor', with: {over: 100"])
@pytest.mark.parametrize("how", ["[]", "{first: 1}", "[union]", "7"])
def test_a_list_is_no_name_of_a_rule(tmp_path: Path, given: str, how: str) -> None:
    """It was looked up among the rules' names and ended the command as an internal error."""
    (found,) = problems(tmp_path, f"  m: {{use: 'library:{given}, watches: 'a/{{id}}', how: {how}}}}}\n")
    assert found.startswith("scenario.yaml:3:")
    assert "agents.m.with.how: " in found
    assert "is no function" in found


def test_several_wrong_parameters_are_all_said(tmp_path: Path) -> None:
    found = problems(tmp_path, "  a: {use: 'library:planner', with: {plan: 3}}\n  b: {use: 'library:advanse'}\n")
    assert len(found) == 3
    assert "the library has no 'advanse'; did you mean 'advance'?" in found[2]


def test_a_function_is_found_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "plans.py").write_text("def made(goal):\n    return {'a': 'work'}\n", encoding="utf-8")
    assert (
        problems(tmp_path, "  p: {use: 'library:planner', with: {watches: 'goal/{case}', by: './plans.py:made'}}\n")
        == []
    )


def test_in_python_the_place_is_that_of_the_call() -> None:
    with pytest.raises(DeclarationError) as refused:
        planner(watches="goal/{case}", plns=[])
    assert "test_library_templates.py:" in refused.value.place
    assert "plns: unknown parameter; did you mean 'plan'?" in str(refused.value) or "'plans'" in str(refused.value)


def test_in_python_an_agent_is_called_as_it_says_and_takes_the_options_of_the_decorators() -> None:
    made: KnowledgeSource = advance(name="further", level="high", max_running=1)
    assert (made.name, made.level, made.max_running) == ("further", "high", 1)
    assert made.fn.__module__ == __name__


def test_a_module_declares_the_agents_that_it_makes_of_templates(tmp_path: Path) -> None:
    from knowledge_sources.loading import load_file

    (tmp_path / "agents.py").write_text(
        "from knowledge_sources.library import advance\nfurther = advance(name='further')\n", encoding="utf-8"
    )
    assert [source.name for source in sources_in(load_file(tmp_path / "agents.py"))] == ["further"]


def test_a_template_refuses_what_it_cannot_make_an_agent_of_naming_the_parameter() -> None:
    with pytest.raises(InvalidParameters) as refused:
        planner.made({"watches": "goal/{case}", "rating": "high"})
    assert "rating: 'high' is neither a number nor a function" in str(refused.value)


def test_check_and_graph_see_what_an_agent_of_the_library_watches_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenario.yaml").write_text(
        "version: 1\nrecords: [{key: goal/1, value: {steps: {a: b}}}]\nagents:\n"
        "  plan: {use: 'library:planner', with: {watches: 'goal/{case}'}}\n"
        "  further: {use: 'library:advance'}\n",
        encoding="utf-8",
    )
    assert main(["graph", "scenario.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "plan/{case}/*" in shown
    main(["check", "scenario.yaml"])
    assert "'further': it watches result/{case}/{step}, which nobody writes" in capsys.readouterr().out


def test_check_warns_of_a_token_budget_that_no_digest_would_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "agents.py").write_text(
        "from knowledge_sources import knowledge_source\n"
        "@knowledge_source('note/{n}', contributes='read/{n}', token_budget=500)\n"
        "def reader(note): ...\n",
        encoding="utf-8",
    )
    compressor = "  c: {use: 'library:compressor', with: {watches: 'note/{n}', over: 500}}\n"
    for others, warned in (("", True), (compressor, False)):
        (tmp_path / "scenario.yaml").write_text(
            "version: 1\nrecords: [{key: note/1, value: x}]\nagents:\n  reader: {use: './agents.py:reader'}\n" + others,
            encoding="utf-8",
        )
        assert main(["check", "scenario.yaml"]) == 0
        shown = capsys.readouterr().out
        assert ("nobody writes digest/note/{n}" in shown) == warned
        assert "nobody reads digest/note/{n}" not in shown

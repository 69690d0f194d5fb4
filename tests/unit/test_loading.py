"""Agents from files and modules: found, kept apart, and refused with the place of what is wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import Put
from knowledge_sources.agent_folder import AgentFolder, Broken, Joined, NotReplaced, load_folder
from knowledge_sources.context import Context
from knowledge_sources.errors import LoadingError
from knowledge_sources.invocation import invoke
from knowledge_sources.loading import load_source
from knowledge_sources.outcome import Contribution
from tests.still_board import StillBoard, record_of

if TYPE_CHECKING:
    from pathlib import Path

AGENT = """\
from __future__ import annotations
from knowledge_sources import knowledge_source

@knowledge_source("return/{rma}", contributes="refund/{rma}")
async def refund(rma: str) -> str:
    return "paid " + rma
"""


def write(folder: Path, **files: str) -> Path:
    """``folder`` with one file for each of ``files``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


async def result_of(use: str, base: Path) -> Any:
    """What the agent ``use`` writes about the return R1."""
    source = load_source(use, base)
    ctx = Context(source, StillBoard(), activation="a1", case="", captures={"rma": "R1"})
    outcome = await invoke(source, {"return": record_of("return/R1", {})}, ctx.captures, ctx)
    assert isinstance(outcome, Contribution)
    (put,) = outcome.writes
    assert isinstance(put, Put)
    return put.value


async def test_a_file_is_found_from_the_scenarios_folder(tmp_path: Path) -> None:
    write(tmp_path / "returns", agents=AGENT)
    source = load_source("./agents.py:refund", tmp_path / "returns")
    assert (source.name, source.source) == ("refund", "./agents.py:refund")
    assert load_source("returns/agents.py:refund", tmp_path).fn is source.fn
    assert await result_of("./agents.py:refund", tmp_path / "returns") == "paid R1"


async def test_two_folders_with_files_of_the_same_names_do_not_collide(tmp_path: Path) -> None:
    agents = AGENT.replace('"paid " + rma', "pay()").replace("from k", "from gateway import pay\nfrom k", 1)
    for name in ("one", "two"):
        write(tmp_path / name, agents=agents, gateway=f"def pay() -> str:\n    return {name!r}\n")
    assert await result_of("./agents.py:refund", tmp_path / "one") == "one"
    assert await result_of("./agents.py:refund", tmp_path / "two") == "two"
    assert "gateway" not in sys.modules
    assert "agents" not in sys.modules
    assert not any(str(tmp_path) in entry for entry in sys.path)


async def test_neighbours_are_found_by_every_form_of_import_also_later_and_also_from_each_other(tmp_path: Path) -> None:
    pay = "import rates\ndef pay() -> str:\n    import deep.inner\n    from deep import inner\n"
    agents = AGENT.replace('"paid " + rma', "run()").replace(
        "from k",
        "import gateway as g, json\nfrom .gateway import pay as same\n"
        "def run():\n    import gateway\n    assert gateway is g and same is g.pay\n    return json.dumps(gateway.pay())\n"
        "from k",
        1,
    )
    write(
        tmp_path,
        agents=agents,
        gateway=pay + "    assert deep.inner is inner\n    return rates.RATE + inner.NAME\n",
        rates="RATE = 'rate '\n",
    )
    write(tmp_path / "deep", __init__="", inner="from rates import RATE\nNAME = RATE + 'inner'\n")
    assert await result_of("./agents.py:refund", tmp_path) == '"rate rate inner"'


def test_loading_leaves_no_bytecode_beside_the_users_files(tmp_path: Path) -> None:
    load_source("./agents.py:refund", write(tmp_path, agents=AGENT))
    assert not (tmp_path / "__pycache__").exists()


def test_an_agent_of_an_installed_module_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "installed_agents", __init__="", refunds=AGENT)
    monkeypatch.syspath_prepend(tmp_path)
    source = load_source("installed_agents.refunds:refund", tmp_path)
    assert source.source == "installed_agents.refunds:refund"
    assert source.fn.__module__ == "installed_agents.refunds"


WRONG: list[tuple[str, str, str, str]] = [
    ("./agents.py", AGENT, "names no agent: write ./file.py:name or module:name", ""),
    ("./agnts.py:refund", AGENT, "did you mean 'agents.py'?", ""),
    ("no_such_module_x:refund", AGENT, "a file beside the scenario is written ./no_such_module_x.py:name", ""),
    ("no-module:refund", AGENT, "is no module", ""),
    ("./agents.py:refnd", AGENT, "there is no 'refnd'; did you mean 'refund'?; it declares refund", "agents.py:1"),
    ("./agents.py:refund", "def other(): ...\n", "it declares no agent", "agents.py:1"),
    ("./agents.py:refund", "\ndef refund(): ...\n", "'refund' is no agent: put @knowledge_source", "agents.py:2"),
    ("./agents.py:refund", "x = 1\ndef broken(:\n", "SyntaxError: ", "agents.py:2:12"),
    ("./agents.py:refund", "import os\nvalue = os.no_such\n", "AttributeError: module 'os'", "agents.py:2:9"),
    ("./agents.py:refund", "import no_such_x\n", "ModuleNotFoundError: No module named 'no_such_x'", "agents.py:1:1"),
    ("./agents.py:refund", "raise SystemExit(3)\n", "SystemExit: 3", "agents.py:1:1"),
    ("./agents.py:refund", AGENT.replace("rma: str", "rmx: str"), "parameter 'rmx' is bound to nothing", "agents.py:4"),
    ("./agents.py:refund", AGENT.replace("return/", "return//"), "column", "agents.py:4"),
    ("./agents.py:Any", "from typing import Any\n", "'Any' is no agent", "agents.py:1"),
    ("./agents.py:refund", "import helper\n", "ZeroDivisionError", "helper.py:2:12"),
]


@pytest.mark.parametrize(("use", "text", "message", "place"), WRONG, ids=[each[2] for each in WRONG])
def test_what_cannot_be_loaded_is_refused_with_its_place(
    tmp_path: Path, use: str, text: str, message: str, place: str
) -> None:
    write(tmp_path, agents=text, helper="def f():\n    return 1 / 0\nf()\n")
    with pytest.raises(LoadingError) as refused:
        load_source(use, tmp_path)
    assert message in str(refused.value)
    assert refused.value.exit_code == 3
    assert refused.value.place.startswith(str(tmp_path / place) if place else "")


def test_the_traceback_begins_in_the_users_file_and_is_kept(tmp_path: Path) -> None:
    write(tmp_path, agents="import helper\n", helper="def f():\n    return 1 / 0\nf()\n")
    with pytest.raises(LoadingError) as refused:
        load_source("./agents.py:refund", tmp_path)
    lines = refused.value.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert str(tmp_path / "agents.py") in lines[1]
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_declaration_that_is_refused_is_told_by_its_place_alone(tmp_path: Path) -> None:
    """The frames between are those of the decorator: nothing in them is the user's."""
    write(tmp_path, agents=AGENT.replace("rma: str", "rmx: str"))
    with pytest.raises(LoadingError) as refused:
        load_source("./agents.py:refund", tmp_path)
    assert refused.value.traceback.startswith(f"{tmp_path / 'agents.py'}:4")
    assert len(refused.value.traceback.splitlines()) == 1


def test_a_file_that_failed_is_run_again_when_it_is_asked_for_again(tmp_path: Path) -> None:
    write(tmp_path, agents="1 / 0\n")
    with pytest.raises(LoadingError):
        load_source("./agents.py:refund", tmp_path)
    write(tmp_path, agents=AGENT)
    assert load_source("./agents.py:refund", tmp_path).name == "refund"


def test_a_folder_gives_every_agent_and_every_file_that_is_broken(tmp_path: Path) -> None:
    two = AGENT + AGENT.partition("\n")[2].replace("def refund", "def label").replace("refund/", "label/")
    write(
        tmp_path,
        a_both=two,
        b_gateway="def pay(): ...\n",
        c_broken="import\n",
        _private="1 / 0\n",
        d_imports=AGENT.replace("def refund", "def store").replace("from k", "from a_both import label\nfrom k", 1),
        e_empty="",
    )
    events = load_folder(tmp_path)
    joined = [event for event in events if isinstance(event, Joined)]
    assert [(event.source.name, event.path.name) for event in joined] == [
        ("refund", "a_both.py"),
        ("label", "a_both.py"),
        ("store", "d_imports.py"),
    ]
    assert joined[0].source.source == f"{tmp_path.name}/a_both.py:refund"
    (broken,) = [event for event in events if isinstance(event, Broken)]
    assert broken.error.startswith(f"{tmp_path / 'c_broken.py'}:1:")
    assert "SyntaxError" in broken.traceback


def test_a_name_that_has_joined_cannot_join_again_from_another_file(tmp_path: Path) -> None:
    folder = AgentFolder(write(tmp_path, a=AGENT, b=AGENT))
    _, broken = folder.scan()
    assert isinstance(broken, Broken)
    assert "the agent 'refund' has joined already, from a.py" in broken.error
    write(tmp_path, b=AGENT.replace("def refund", "def pay_back"))
    (joined,) = folder.scan()
    assert isinstance(joined, Joined)
    assert joined.source.name == "pay_back"


def test_a_changed_or_removed_file_of_a_running_agent_is_reported_and_not_replaced(tmp_path: Path) -> None:
    folder = AgentFolder(write(tmp_path, a=AGENT))
    path = tmp_path / "a.py"
    folder.scan()
    assert folder.scan() == []
    write(tmp_path, a=AGENT + "\n\n")
    assert folder.scan() == [NotReplaced(path, ("refund",), "changed")]
    path.unlink()
    assert folder.scan() == [NotReplaced(path, ("refund",), "removed")]
    write(tmp_path, a=AGENT)
    assert folder.scan() == [NotReplaced(path, ("refund",), "changed")]


def test_a_file_written_in_two_steps_joins_as_it_is_in_the_end(tmp_path: Path) -> None:
    folder = AgentFolder(write(tmp_path, a="from __future__ import annotations\n"))
    assert folder.scan() == []
    write(tmp_path, a=AGENT)
    (joined,) = folder.scan()
    assert isinstance(joined, Joined)


def test_a_broken_file_is_tried_again_when_a_neighbour_changes_and_told_once(tmp_path: Path) -> None:
    folder = AgentFolder(write(tmp_path, a=AGENT.replace("from k", "import gateway\nfrom k", 1)))
    (broken,) = folder.scan()
    assert isinstance(broken, Broken)
    write(tmp_path, other="x = 1\n")
    assert folder.scan() == []
    write(tmp_path, gateway="y = 1\n")
    (joined,) = folder.scan()
    assert isinstance(joined, Joined)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadingError, match="there is no folder"):
        AgentFolder(tmp_path / "agents")

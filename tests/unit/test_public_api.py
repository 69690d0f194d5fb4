"""What ``import blackboard`` promises: these names, and no cost before one is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import blackboard
from blackboard import errors


@pytest.mark.parametrize("name", blackboard.__all__)
def test_every_exported_name_resolves_to_what_its_home_defines(name: str) -> None:
    value = getattr(blackboard, name)
    assert getattr(value, "__name__", name) == name


def test_the_names_for_type_checkers_and_the_names_at_run_time_are_the_same() -> None:
    tree = ast.parse(Path(blackboard.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(blackboard.__all__)
    assert sorted(blackboard.__all__) == blackboard.__all__
    assert set(blackboard.__all__) <= set(dir(blackboard))


def test_every_error_that_can_be_raised_is_exported() -> None:
    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.BlackboardError)
    }
    assert raised <= set(blackboard.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bord'"):
        blackboard.Bord  # noqa: B018


def test_importing_the_package_imports_no_client_and_no_models() -> None:
    program = "import sys, blackboard; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"redis", "pydantic", "click", "rich", "msgpack", "asyncio", "yaml", "watchfiles"})

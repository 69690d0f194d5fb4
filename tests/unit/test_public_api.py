"""What importing a package promises: these names, and no cost before one is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import blackboard
import controller
import knowledge_sources
import scenarios
from blackboard import errors

if TYPE_CHECKING:
    from types import ModuleType

PACKAGES = (blackboard, knowledge_sources, controller, scenarios)
each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


@pytest.mark.parametrize(("package", "name"), [(package, name) for package in PACKAGES for name in package.__all__])
def test_every_exported_name_resolves_to_what_its_home_defines(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    assert getattr(value, "__name__", name) == name


@each_package
def test_the_names_for_type_checkers_and_the_names_at_run_time_are_the_same(package: ModuleType) -> None:
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    typed = {
        alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(package.__all__)
    assert sorted(package.__all__) == package.__all__
    assert set(package.__all__) <= set(dir(package))


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


@each_package
def test_importing_the_package_imports_no_client_and_no_models(package: ModuleType) -> None:
    program = f"import sys, {package.__name__}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"redis", "pydantic", "click", "rich", "msgpack", "asyncio", "yaml", "watchfiles"})

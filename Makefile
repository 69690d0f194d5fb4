# Every target creates .venv by itself; PYTHON=... chooses the interpreter it is made from.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
# The data of the conformance checks, which the clone does not hold.
BLACKBOARD_DATA ?= ../shared/data
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 60

.PHONY: help demo test check conformance fuzz matrix mutants soak bench pictures clean

help:
	@echo 'make demo         run the scenario process_return on a private Redis in .blackboard'
	@echo 'make test         all tests; with CI=true, coverage and its floor as well'
	@echo 'make check        lint, format, types and import contracts'
	@echo 'make conformance  compare with the public test data in BLACKBOARD_DATA ($(BLACKBOARD_DATA))'
	@echo 'make fuzz         throw made-up input at the readers for FUZZ_SECONDS ($(FUZZ_SECONDS)) each'
	@echo 'make matrix       run the tests of the board on every server, protocol and parser there is'
	@echo 'make mutants      plant known bugs and name what catches each'
	@echo 'make soak         the fault and model tests at their full length; takes hours'
	@echo 'make bench        measure the floor, the chain and the hop'
	@echo 'make pictures     draw docs/pictures anew; its films need tmux'
	@echo 'make clean        remove .venv, caches and the board in .blackboard'

# An interpreter named with PYTHON= is taken or refused; else the first one here that is new enough and can make one.
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)

.venv/bin/python:
	@for python in $(CANDIDATES); do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv .venv || { rm -rf .venv; exit 1; }; \
	    exit 0; \
	  fi; \
	done; \
	echo 'blackboard needs Python 3.11 or newer with venv; none of these is: $(CANDIDATES).' >&2; \
	echo 'Name one with PYTHON=/path/to/python3.12; Debian and Ubuntu have venv in the package python3-venv.' >&2; \
	exit 1

# Two stamps, so that a first demo does not wait for the tools of the tests.
.venv/runtime.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/runtime.stamp $@

demo: .venv/runtime.stamp
	$(BIN)/blackboard run process_return

test: .venv/dev.stamp
	$(BIN)/pytest -n 2 $(if $(filter true,$(CI)),--cov --cov-report=term) $(PYTEST_ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: .venv/dev.stamp
	BLACKBOARD_DATA=$(abspath $(BLACKBOARD_DATA)) $(BIN)/pytest -n 2 tests/conformance $(PYTEST_ARGS)

fuzz: .venv/dev.stamp
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

matrix: .venv/dev.stamp
	$(BIN)/python -m tests.matrix

mutants: .venv/dev.stamp
	$(BIN)/python -m tests.mutants

soak: .venv/dev.stamp
	BLACKBOARD_SOAK=1 $(BIN)/pytest -n 2 -s tests/faults tests/model $(PYTEST_ARGS)

bench: .venv/runtime.stamp
	$(BIN)/python -m benchmarks

pictures: .venv/dev.stamp
	$(BIN)/python -m tests.docs_pictures
	$(BIN)/python -m tests.docs_walk

clean:
	rm -rf .venv .blackboard build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Every target creates .venv by itself; PYTHON=... chooses the interpreter it is made from.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
# The data of the conformance checks, which the clone does not hold.
CONFORMANCE_DATA ?= ../shared/data
PYTEST_ARGS ?=

.PHONY: help demo test check conformance bench clean

help:
	@echo 'make demo         run the scenario process_return on a private Redis in .blackboard'
	@echo 'make test         all tests; with CI=true, coverage and its floor as well'
	@echo 'make check        lint, format, types and import contracts'
	@echo 'make conformance  compare with the public test data in CONFORMANCE_DATA ($(CONFORMANCE_DATA))'
	@echo 'make bench        measure the floor, the chain and the hop'
	@echo 'make clean        remove .venv, caches and the board in .blackboard'

# An interpreter named with PYTHON= is taken or refused; otherwise the first one here that is new enough.
.venv/bin/python:
	@found=; \
	for python in $${PYTHON:-$(or $(PYTHON),python3 python3.13 python3.12 python3.11)}; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "blackboard needs Python 3.11 or newer: $(or $(PYTHON),python3) is not. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	$$found -m venv .venv

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
	CONFORMANCE_DATA=$(CONFORMANCE_DATA) $(BIN)/pytest -n 2 tests/conformance $(PYTEST_ARGS)

bench: .venv/runtime.stamp
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .blackboard build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

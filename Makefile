# Every target creates what it needs; Python 3.11 or newer and make are all a machine has to have.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|' 2>/dev/null || grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create the virtual environment from the lock file

$(STAMP): pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "missing: Python 3.11, 3.12, 3.13 or 3.14 on the PATH (or run: make PYTHON=/path/to/python ...)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "missing: the venv module of $(PYTHON) (on Debian: apt-get install python3-venv)" >&2; rm -rf $(VENV); exit 1; }
	@command -v uv >/dev/null 2>&1 || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || { echo "missing: uv, and pip could not install it; is a package index reachable?" >&2; exit 1; }
	@UV=$$(command -v uv || echo $(BIN)/uv); UV_PROJECT_ENVIRONMENT=$(VENV) $$UV sync --quiet --frozen --inexact --all-extras --python $(BIN)/python || { echo "missing: packages of uv.lock could not be installed; is a package index reachable?" >&2; exit 1; }
	@touch $@

demo: $(STAMP) ## Run the main job: realistic calls through the sidecar, shown side by side
	@$(BIN)/pratique demo

test: $(STAMP) ## Run all tests; those that miss something say so and are skipped
	@$(BIN)/python -m pytest

check: $(STAMP) ## Lint, types, layers, full branch coverage of the rules, lock file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/coverage run -m pytest -q tests/unit/rules
	@$(BIN)/coverage report --fail-under=100 --skip-covered
	@UV=$$(command -v uv || echo $(BIN)/uv); $$UV lock --check --quiet

bench: $(STAMP) ## Measure added latency against the same upstream without the sidecar
	@$(BIN)/python benchmarks/added_latency.py

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage

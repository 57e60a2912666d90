# wirewatch: each target sets up what it needs, from a fresh clone with Python 3.11+ and make.
SHELL := /bin/bash
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo run test test-again faults servers check format schemas requirements clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "wirewatch needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# the requirements files are whole (`pip check` says so): pip is not to resolve anew, where it stumbles over extras
.venv/.run-$(shell cksum requirements.txt pyproject.toml | cksum | cut -d' ' -f1): .venv/bin/python requirements.txt pyproject.toml
	@echo "installing wirewatch into .venv ..."
	@$(PIP) install --require-hashes --no-deps -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.run-$(shell cksum requirements.txt pyproject.toml | cksum | cut -d' ' -f1)  ## a virtual environment in .venv with what wirewatch needs

.venv/.dev-$(shell cksum requirements-dev.txt | cut -d' ' -f1): requirements-dev.txt
	@echo "installing the tools for tests and checks into .venv ..."
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.txt
	@$(PIP) check >/dev/null
	@touch $@

setup-dev: setup .venv/.dev-$(shell cksum requirements-dev.txt | cut -d' ' -f1)

demo: setup  ## the whole pipeline on a live page of its own, no network needed
	$(BIN)/wirewatch demo $(ARGS)

run: setup  ## watch your own feeds (wirewatch.toml)
	$(BIN)/wirewatch run $(ARGS)

# a file's tests stay together and in order; each of the two processes has servers of its own
test: setup-dev  ## all tests, in two processes (WORKERS=n)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# a busy machine can upset a test of real servers; a test that is wrong fails alone too, and more than three are no accident
test-again: setup-dev  ## what failed in the last `make test` once more, one after the other (at most three)
	@$(BIN)/python -c 'import json, sys; names = [*json.load(open(".pytest_cache/v/cache/lastfailed"))]; print("once more, alone:", *names, sep="\n  "); sys.exit(len(names) > 3)'
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

faults: setup-dev  ## killed at 200 random points (WIREWATCH_KILLS=n), on a cluster at 100, and every recording and trouble in full
	WIREWATCH_KILLS=$${WIREWATCH_KILLS:-200} WIREWATCH_CLUSTER_KILLS=$${WIREWATCH_CLUSTER_KILLS:-100} WIREWATCH_LONG=1 $(BIN)/python -m pytest tests/end_to_end $(ARGS)

servers: setup-dev  ## Kafka, OpenSearch and PostgreSQL as the tests use them, for trying by hand, until Ctrl-C
	@$(BIN)/python -m tests.servers

check: setup-dev  ## format, lint, types, layout contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev  ## format and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements:  ## pin requirements*.txt with hashes (needs uv)
	uv pip compile -q --generate-hashes --universal --no-header --python-version 3.11 --extra build pyproject.toml -o requirements.txt
	uv pip compile -q --generate-hashes --universal --no-header --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:  ## remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

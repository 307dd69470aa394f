# `make help` says what there is. Everything lives in .venv; nothing else on the machine is touched.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
NEW_ENOUGH := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in $(CANDIDATES); do \
	"$$each" -c '$(NEW_ENOUGH)' 2>/dev/null && { echo "$$each"; break; }; done)
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --extra build
INSTALL := $(PIP) install --quiet --require-hashes --no-deps
EDITABLE := $(PIP) install --quiet --no-build-isolation --no-deps --editable .
# The tests start the program a hundred times: whatever the shell says, it is compiled once.
export PYTHONDONTWRITEBYTECODE :=
# A file stays with one worker, and so do the servers and programs that its tests share.
SUITE = -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
UPGRADE ?=
PYTEST ?=
# Two to a core of a small machine: tests wait nearly as long as they compute.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help run test soak check bench lock

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: $(VENV)/ready-to-run ## start the desk; without settings, the trial desk on a throw-away database
	@exec $(BIN)/paidan run

test: $(VENV)/ready-to-test ## run the whole suite (PYTEST="-k mail -x" for a part of it)
	@exec $(BIN)/python $(SUITE) $(PYTEST)

soak: $(VENV)/ready-to-test ## run the suite in its large sizes: more seeds, longer crash runs
	@PAIDAN_SOAK=1 $(BIN)/python $(SUITE) $(PYTEST)

check: $(VENV)/ready-to-test ## ruff, mypy and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

bench: $(VENV)/ready-to-test ## measure, beside other libraries where they can be had
	@$(PIP) install --quiet --no-build-isolation --editable '.[bench]' \
		|| echo 'The libraries to compare with cannot be had; measuring without them.'
	@exec $(BIN)/python -m bench

lock: $(VENV)/ready-to-test ## renew both locks from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --output-file requirements.lock
	$(COMPILE) $(UPGRADE) --constraint requirements.lock --extra dev --output-file requirements-dev.lock

$(VENV)/ready-to-run: requirements.lock pyproject.toml | $(BIN)/python
	@echo 'Installing what the desk needs into $(VENV); the first time takes a minute.'
	@$(INSTALL) -r requirements.lock
	@$(EDITABLE)
	@touch $@

$(VENV)/ready-to-test: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo 'Installing what the tests and checks need into $(VENV); the first time takes a minute.'
	@$(INSTALL) -r requirements-dev.lock
	@$(EDITABLE)
	@touch $@

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Paidan needs Python 3.11 or newer, with its venv module.' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

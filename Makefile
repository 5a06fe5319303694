# make run    installs into .venv and starts the app; OPTIONS="--port 9000" are options of `inkwise app`
# make test   lint, types, import rule, tests
# make bench  measures and writes docs/benchmarks.md; DATA=FOLDER measures real handwriting as well
VENV := .venv
PYTHON ?= python3
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test lint bench

run: $(VENV)/.runs
	$(VENV)/bin/inkwise app $(OPTIONS)

test: lint
	$(VENV)/bin/pytest

lint: $(VENV)/.develops
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.develops
	$(VENV)/bin/python benchmarks/report.py $(DATA)

$(VENV)/.runs: pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e '.[app]'
	touch $@

# torch first and alone: asked for by another package it may bring gigabytes for GPUs.
$(VENV)/.develops: $(VENV)/.runs
	$(PIP_INSTALL) torch
	$(PIP_INSTALL) -e '.[app,train,dev]'
	touch $@

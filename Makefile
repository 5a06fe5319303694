# make run    installs into .venv and reads a sample sheet and test digits
# make test   lint, types, import rule, tests
# make bench  measures and writes docs/benchmarks.md; DATA=FOLDER measures real handwriting as well
VENV := .venv
PYTHON ?= python3
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test lint bench

run: $(VENV)/.reads
	$(VENV)/bin/inkwise read docs/sample-sheet.jpg
	$(VENV)/bin/inkwise data get mnist
	$(VENV)/bin/python examples/read_mnist.py

test: lint
	$(VENV)/bin/pytest

lint: $(VENV)/.develops
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.develops
	$(VENV)/bin/python benchmarks/report.py $(DATA)

# The base install reads; only what follows trains and tests.
$(VENV)/.reads: pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e .
	touch $@

# torch first and alone: asked for by another package it may bring gigabytes for GPUs.
$(VENV)/.develops: $(VENV)/.reads
	$(PIP_INSTALL) torch
	$(PIP_INSTALL) -e '.[app,train,dev]'
	touch $@

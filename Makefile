# make run    installs into .venv and starts the app; OPTIONS="--port 9000" are options of `inkwise app`
# make test   lint, types, import rule, tests
# make bench  measures and writes docs/benchmarks.md; DATA=FOLDER measures real handwriting as well
# make weights  trains the bundled weights, for hours; STROKES=FOLDER holds UNIPEN's stroke files, else it is fetched
VENV := .venv
PYTHON ?= python3
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

ifdef STROKES
DIGITS := $(STROKES)/unipen_digits.npz
OTHERS := $(STROKES)/unipen_nondigits.npz,$(STROKES)/unipen_digit_strings.npz
else
DIGITS := unipen-digits
OTHERS := unipen-nondigits,unipen-strings
endif
TRAIN = $(VENV)/bin/inkwise train $(1) --set seed=$(2) --out runs/weights/$(1)-$(2) \
	--set data=mnist-train,$(DIGITS) --set others=$(OTHERS)
SEEDS := 0 1 2 3 4
BUNDLED := src/inkwise/recognition/weights

.PHONY: run test lint bench weights

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

# `default` is the first seed of `hands`, `max` all of them in one graph: too large to come with the package.
weights: $(VENV)/.develops
	$(VENV)/bin/inkwise data get mnist
	$(if $(STROKES),,$(VENV)/bin/inkwise data get unipen)
	for seed in $(SEEDS); do $(call TRAIN,hands,$$seed) || exit; done
	$(call TRAIN,tiny,0)
	$(VENV)/bin/inkwise ensemble $(SEEDS:%=runs/weights/hands-%) --out runs/weights/max.onnx
	cp runs/weights/hands-0/model.onnx $(BUNDLED)/default.onnx
	cp runs/weights/tiny-0/model.onnx $(BUNDLED)/tiny.onnx

$(VENV)/.runs: pyproject.toml constraints.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e '.[app]'
	touch $@

# torch first and alone: asked for by another package it may bring gigabytes for GPUs.
$(VENV)/.develops: $(VENV)/.runs
	$(PIP_INSTALL) torch
	$(PIP_INSTALL) -e '.[app,train,dev]'
	touch $@

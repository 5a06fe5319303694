# make run    installs into .venv and starts the app; OPTIONS="--port 9000" are options of `inkwise app`
# make test   lint, types, import rule, tests
# make docs   serves the documentation site; make docs-build builds it into build/docs
# make bench  measures and writes docs/benchmarks.md; DATA=FOLDER measures real handwriting as well
# make audit  lists the licences of what is installed, and asks for known holes in it
# make robustness  kills, outages and fuzzing, for two hours; prints the tables of docs/reliability.md
# make letters  trains the model of letters, for an hour; DATA=FOLDER holds the data sets
# make numbers  fine-tunes the reader of numbers for STEPS=30000 steps, a day; DATA=FOLDER holds the data sets
# make weights  trains the bundled weights, for hours; STROKES=FOLDER holds the data sets, else UNIPEN is fetched
VENV := .venv
PYTHON ?= python3
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

ifdef STROKES
DIGITS := $(STROKES)/unipen_digits.npz
OTHERS := $(STROKES)/unipen_nondigits.npz,$(STROKES)/unipen_digit_strings.npz
MORE_DIGITS := ,$(STROKES)/unipen_digits_more.npz,$(STROKES)/pendigits.npz,$(STROKES)/swiss_digits.npz
MORE_OTHERS := $(STROKES)/unipen_letters.npz,$(STROKES)/unipen_digit_strings.npz,$(STROKES)/unipen_digit_strings_more.npz
WRITERS := $(STROKES)/mnist_writers.npz
MNIST_AGAIN := ,mnist-train
else
DIGITS := unipen-digits
OTHERS := unipen-nondigits,unipen-strings
MORE_OTHERS := $(OTHERS)
endif
REAL_HANDS := --set data.train=mnist-train,$(DIGITS) --set data.negatives=$(OTHERS)
MORE_HANDS := --set data.negatives=$(MORE_OTHERS) --set data.mnist_writers=$(WRITERS) \
	--set data.train=mnist-train,$(DIGITS)$(MORE_DIGITS)
RUNS := runs/weights
BUNDLED := src/inkwise/recognition/weights

.PHONY: run test lint docs docs-build audit bench robustness weights letters numbers

# Of these a program that uses Inkwise would have to be published itself.
COPYLEFT := GPL-2.0-only;GPL-2.0-or-later;GPL-3.0-only;GPL-3.0-or-later;AGPL-3.0-only;AGPL-3.0-or-later;$\
	GNU General Public License v2 (GPLv2);GNU General Public License v3 (GPLv3);$\
	GNU General Public License v3 or later (GPLv3+);GNU Affero General Public License v3

run: $(VENV)/.runs
	$(VENV)/bin/inkwise app $(OPTIONS)

test: lint docs-build
	$(VENV)/bin/pytest -n auto --dist worksteal

lint: $(VENV)/.develops
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/.develops
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs serve

docs-build: $(VENV)/.develops
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

audit: $(VENV)/.develops
	$(VENV)/bin/pip-licenses --from=mixed --fail-on='$(COPYLEFT)'
	$(VENV)/bin/pip-audit --skip-editable --progress-spinner off

bench: $(VENV)/.develops
	$(VENV)/bin/python -m benchmarks results-page $(DATA)

robustness: $(VENV)/.develops
	$(VENV)/bin/python -m benchmarks faults --kills 200
	$(VENV)/bin/python -m benchmarks fuzz

# `distilled` goes on from the first of two runs and learns from both; `default` learns from it and a larger net of more hands.
weights: $(VENV)/.develops
	$(VENV)/bin/inkwise data get mnist
	$(if $(STROKES),,$(VENV)/bin/inkwise data get unipen)
	$(VENV)/bin/inkwise train hands $(REAL_HANDS) --set seed=1 --out $(RUNS)/hands
	$(VENV)/bin/inkwise train hands $(REAL_HANDS) --set model.channels=32,40,112 --set optimization.epochs=26 --out $(RUNS)/wide
	$(VENV)/bin/inkwise train distilled $(REAL_HANDS) --set seed=2 --init $(RUNS)/hands \
		--set optimization.teachers=$(RUNS)/hands,$(RUNS)/wide --out $(RUNS)/distilled
	$(VENV)/bin/inkwise train large $(MORE_HANDS) --set seed=3 --out $(RUNS)/large
	$(VENV)/bin/inkwise train small $(MORE_HANDS)$(MNIST_AGAIN) --set seed=3 \
		--set optimization.teachers=$(RUNS)/large,$(RUNS)/distilled --out $(RUNS)/small
	$(VENV)/bin/inkwise train tiny $(REAL_HANDS) --set optimization.teachers=$(RUNS)/hands --out $(RUNS)/tiny
	cp $(RUNS)/small/model.onnx $(BUNDLED)/default.onnx
	cp $(RUNS)/tiny/model.onnx $(BUNDLED)/tiny.onnx
	$(VENV)/bin/inkwise ensemble $(RUNS)/distilled $(RUNS)/large --out $(BUNDLED)/max.onnx
	$(VENV)/bin/python -m benchmarks quantization --out $(RUNS)
	cp $(RUNS)/int8.onnx $(BUNDLED)/int8.onnx
	$(if $(STROKES),$(MAKE) letters numbers DATA=$(STROKES))

letters: $(VENV)/.develops
	$(VENV)/bin/python -m inkwise.training.letters $(DATA) $(RUNS)/letters
	cp $(RUNS)/letters/letters.onnx $(BUNDLED)/letters.onnx

STEPS ?= 30000
PRETRAINED := $(RUNS)/PP-OCRv6_rec_small.onnx

numbers: $(PRETRAINED)
	$(VENV)/bin/python -m inkwise.training.number_training $(PRETRAINED) $(DATA) $(RUNS)/numbers --steps $(STEPS)
	$(VENV)/bin/python -m inkwise.training.number_export $(PRETRAINED) $(DATA) $(BUNDLED)/lines/default.onnx \
		$(RUNS)/numbers/checkpoint.pt

# The weights are part of a wheel; `load_pretrained` checks their SHA-256.
$(PRETRAINED): $(VENV)/.develops
	mkdir -p $(RUNS)
	$(VENV)/bin/python -m pip download --quiet --no-deps --dest $(RUNS) rapidocr==3.10.0
	$(VENV)/bin/python -m zipfile -e $(RUNS)/rapidocr-3.10.0-*.whl $(RUNS)/rapidocr
	cp $(RUNS)/rapidocr/rapidocr/models/PP-OCRv6_rec_small.onnx $@

$(VENV)/.runs: pyproject.toml constraints.txt
	@echo "Installing Inkwise into $(VENV); the first time this takes about a minute"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -e '.[app]'
	@touch $@

# torch first and alone: asked for by another package it may bring gigabytes for GPUs.
$(VENV)/.develops: $(VENV)/.runs
	@echo "Installing PyTorch and the tools of developers into $(VENV); the first time this takes some minutes"
	@$(PIP_INSTALL) torch
	@$(PIP_INSTALL) -e '.[app,serve,tables,cluster,train,heic,dev]'
	@touch $@

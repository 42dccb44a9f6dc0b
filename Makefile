# `make demo` and `make test` need Python 3.11 or newer, and make .venv on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DEMO := outputs/demo
RECORDINGS ?= $(DEMO)/videos

.PHONY: demo test lint benchmarks wheel clean

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: .venv/ready
	$(BIN)/cca-tools demo-data $(DEMO)/videos
	$(BIN)/cca-tools index $(DEMO)/videos/videos.csv --layout table --workspace $(DEMO)
	$(BIN)/cca-tools tag-audio --workspace $(DEMO)
	$(BIN)/cca-tools associate --workspace $(DEMO) \
	    --levels $(DEMO)/videos/truth_classes.csv --chart-class RingingBell

test: .venv/ready
	$(BIN)/pytest -n auto

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmarks: .venv/ready
	$(BIN)/python -m benchmarks.tagging $(RECORDINGS)
	$(BIN)/python -m benchmarks.associations
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.losses

wheel: .venv/ready
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf .venv build dist *.egg-info

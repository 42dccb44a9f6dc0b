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
	$(BIN)/cca-tools index $(DEMO)/videos/videos.csv --layout table -w $(DEMO)
	$(BIN)/cca-tools tag-audio -w $(DEMO) --keep scores,embedding
	$(BIN)/cca-tools associate -w $(DEMO) --chart-class RingingBell
	$(BIN)/cca-tools suggest -w $(DEMO) --against $(DEMO)/videos/truth_classes.csv
	$(BIN)/cca-tools labels import $(DEMO)/videos/truth_classes.csv --annotator truth -w $(DEMO)
	$(BIN)/cca-tools split -w $(DEMO)
	$(BIN)/cca-tools prepare -w $(DEMO)
	$(BIN)/cca-tools ablate -w $(DEMO) --preset demo --split highly_correlated,not_correlated \
	    --methods baseline,labels-only,ccl --seeds 2 --jobs 2
	$(BIN)/cca-tools report -w $(DEMO)

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
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.loader $(RECORDINGS)
	$(BIN)/python -m benchmarks.train_step
	$(BIN)/python -m benchmarks.learning
	$(BIN)/python -m benchmarks.labelling --demo $(DEMO)

wheel: .venv/ready
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf .venv build dist *.egg-info

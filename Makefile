# The two commands of the README: `make demo` and `make test`. Both make their own virtual environment.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# For `make demo`: its port, and further options (--no-browser, --lang ja, --fresh).
PORT ?= 8000
DEMO ?=

.PHONY: demo rehearsal test lint format lock benchmarks drills clean

# Modules are compiled as they are used: that is a third of the time to the first page.
$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-dev.txt
	touch $@

## Serve a simulated trial half-way through on this machine, with one account a role, until Ctrl-C. PORT=0 takes a free port.
demo: $(VENV)/installed
	exec $(BIN)/oligami demo --port $(PORT) $(DEMO)

## Simulate the whole trial, analyse it at a cut, say where the report lies.
rehearsal: $(VENV)/installed
	rm -rf rehearsal
	mkdir -p rehearsal
	$(BIN)/oligami simulate jcog2110 --journal rehearsal/trial.jsonl --seed 1
	$(BIN)/oligami journal verify rehearsal/trial.jsonl
	$(BIN)/oligami analyse rehearsal/trial.jsonl --up-to 2029-11-08 --out rehearsal/report

## Install what the tests need and pass them.
test: $(VENV)/installed-dev
	scripts/install-services
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## Measure against the figures the issue names; never part of the tests.
benchmarks: $(VENV)/installed-dev
	scripts/install-peers
	$(BIN)/python benchmarks/core.py
	$(BIN)/python benchmarks/survival.py
	$(BIN)/python benchmarks/simulation.py
	if [ -e benchmarks/web.py ]; then scripts/install-services && $(BIN)/python benchmarks/web.py; fi

## The full tier of the fault drills (about two hours on two cores); the tests hold the gate tier. drills/README.md says what each does.
drills: $(VENV)/installed-dev
	scripts/install-services
	set -e; for drill in drills/[a-z]*.py; do echo "== $$drill"; $(BIN)/python "$$drill"; done

## Renew the hash-locked requirements (no index address goes into them).
lock: $(VENV)/installed-dev
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra build pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra build --extra dev --extra postgresql pyproject.toml --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) demo rehearsal report build dist

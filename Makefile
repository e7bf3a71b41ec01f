# The two commands of the README: `make demo` and `make test`. Both make their own virtual environment.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint format lock benchmarks clean

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-dev.txt
	touch $@

## Simulate the whole trial, analyse it at a cut, say where the report lies.
demo: $(VENV)/installed
	rm -rf demo
	mkdir -p demo
	$(BIN)/oligami simulate jcog2110 --journal demo/trial.jsonl --seed 1
	$(BIN)/oligami journal verify demo/trial.jsonl
	$(BIN)/oligami analyse demo/trial.jsonl --up-to 2029-11-08 --out demo/report

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
	$(BIN)/python benchmarks/core.py

## Renew the hash-locked requirements (no index address goes into them).
lock: $(VENV)/installed-dev
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra build pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra build --extra dev --extra postgresql pyproject.toml --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) demo report build dist

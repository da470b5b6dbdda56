# The front door. `make run` and `make test` need Python 3.11 or newer and nothing else.

PYTHON ?= python3
UV := uv==0.13.8

BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# Compiled once and kept: dozens of processes are started, by `make run` and by the tests.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test torture check lint types contracts coverage bench mutation fmt lock clean

help:
	@echo 'make run      start the platform on this machine and run a workflow   ARGS=--once: exit after the answer'
	@echo 'make test     everything this machine can prove                       ARGS=tests/language: a part of it'
	@echo 'make torture  the long proofs of reliability                        SEEDS=5000 FIRST=0 ARGS=simulation: one of them'
	@echo 'make check    what CI runs: lint, types, import contracts, tests, coverage'
	@echo 'make bench    the benchmarks, as ratios beside their targets'
	@echo 'make mutation do the tests of the language notice changes?            SAMPLE=300 SEED=1 ARGS=tenantry/language/graph'
	@echo 'make fmt      format the code'
	@echo 'make lock     resolve the dependencies of pyproject.toml anew'
	@echo 'make clean    remove the environment and the caches; the state in .tenantry stays'

run: $(READY)
	@$(BIN)/tenantry run $(ARGS)

test: $(READY)
	$(PYTEST) -rs $(ARGS)

torture: $(READY)
	$(BIN)/python -m tests.reliability $(or $(ARGS),all) --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0)

check: lint types contracts coverage

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

coverage: $(READY)
	$(PYTEST) -rs --cov --cov-report=term --cov-fail-under=90

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

mutation: $(READY)
	$(BIN)/python -m mutation --sample $(or $(SAMPLE),300) --seed $(or $(SEED),1) $(ARGS)

fmt: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-header --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis .coverage* dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: exactly what requirements.lock says, made anew when that changes.
$(READY): pyproject.toml requirements.lock
	@command -v $(PYTHON) >/dev/null \
	    || { echo '$(PYTHON) is missing: install Python 3.11 or newer.' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed, this is `$(PYTHON) --version 2>&1`: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	    || { echo 'The Python module venv is missing: install it (Debian, Ubuntu: apt install python3-venv).' >&2; exit 1; }
	@echo 'Creating the environment in .venv (once, about a minute)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

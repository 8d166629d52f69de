# What people type. `make help` lists it; every command of the product itself is `lethe COMMAND --help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
WORKERS ?= 3
BIN := $(VENV)/bin
HOME_OPTION := $(if $(LETHE_HOME),--home $(LETHE_HOME),)

# Where the manifest of the main branch is kept: what dbt compares with to find what changed.
DBT_STATE ?= .dbt-state
DBT := cd dbt_project && ../$(BIN)/dbt

# Where the environment forbids bytecode, every process would compile all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run up down test check style types sql bench clean dbt-changed nightly spark

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## the locked environment in .venv

$(VENV)/installed: constraints.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked environment into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv -c constraints.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'
	@touch $@

run: install ## fresh machine to result: simulate, materialise the whole graph, summarise
	@$(BIN)/lethe run $(HOME_OPTION)

up: install ## Dagster UI and MLflow UI until stopped; prints the addresses
	@$(BIN)/lethe up $(HOME_OPTION)

down: install ## stop the web interfaces and the embedded server
	@$(BIN)/lethe down $(HOME_OPTION)

check: install ## lint, format, types, import contracts, SQL style
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types sql style

style:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types:
	@$(BIN)/mypy

sql:
	@$(BIN)/sqlfluff lint --nocolor dbt_project/models dbt_project/tests

# Workers share the cores: threads of one would only turn round waiting for those of another.
test: export OMP_NUM_THREADS = 1
test: check ## everything CI runs: checks, all tests, the integration tests again on a server of its own
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup
	@$(BIN)/python -m tests.server -- $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup \
		-m "integration and not embedded and not once"

bench: install ## benchmarks with peers beside ours; a table and benchmarks/results.json
	@$(BIN)/python -m benchmarks

dbt-changed: install ## build the dbt models that differ from the main branch's, and their children only
	@test -f $(DBT_STATE)/manifest.json || { echo "no manifest of the main branch in $(DBT_STATE):" \
		"run 'make nightly' on the main branch, or copy its manifest.json there"; exit 1; }
	@eval "$$($(BIN)/lethe dbt-env $(HOME_OPTION))" && $(DBT) build --profiles-dir . \
		--state $(abspath $(DBT_STATE)) --select state:modified+

nightly: install ## build and test all dbt models, look at the freshness of sources, keep the manifest for dbt-changed
	@eval "$$($(BIN)/lethe dbt-env $(HOME_OPTION))" && $(DBT) build --profiles-dir . \
		&& mkdir -p $(abspath $(DBT_STATE)) && cp target/manifest.json $(abspath $(DBT_STATE)) \
		&& ../$(BIN)/dbt source freshness --profiles-dir .
	@$(MAKE) --no-print-directory spark

spark: install ## build dbt's models on Spark as well, with equal rows; adds the extra `spark` to .venv, wants Java 17
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev,spark]'
	@$(BIN)/python -m pytest -q tests/dbt_project/test_spark.py

clean: ## remove the environment and caches (never a home)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

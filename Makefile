# One task runner for people and for CI. `make` alone lists the targets.

VENV ?= .venv
# The first interpreter that is new enough; `make PYTHON=... test` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
RUN = $(VENV)/bin/python
INSTALL = $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt --editable
# Two processes share the tests. Each computes with as many threads as there are cores, so those
# that wait must sleep and not spin. ARGS="-n 0" runs all in one, for a debugger.
PYTEST = OMP_WAIT_POLICY=passive $(RUN) -m pytest --numprocesses 2 --dist worksteal
SOURCES = skencoder benchmarks tests examples setup.py

.PHONY: help demo test lint types bench check clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/demo.installed  ## classify and search real text; ARGS="--csv FILE ..." takes your own
	$(RUN) examples/01_classify_and_search.py $(ARGS)

test: lint types  ## lint, types and all tests; ARGS="-k name" chooses
	$(PYTEST) $(ARGS)

lint: $(VENV)/dev.installed  ## formatting and lint
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m ruff check $(SOURCES)

types: $(VENV)/dev.installed  ## strict types of both packages
	$(RUN) -m mypy

bench: $(VENV)/dev.installed  ## speed against sentence-transformers, in one interleaved run
	$(RUN) -m benchmarks speed $(ARGS)

check: test  ## everything CI checks

clean:  ## remove the environment and all build products
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name one: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.installed: $(VENV)/bin/python pyproject.toml setup.py constraints.txt
	@echo "Installing into $(VENV): once, a few minutes."
	$(INSTALL) ".[default-model]"
	@touch $@

$(VENV)/dev.installed: $(VENV)/bin/python pyproject.toml setup.py constraints.txt
	@echo "Installing into $(VENV): once, a few minutes."
	$(INSTALL) ".[default-model,benchmarks,dev]"
	@touch $@

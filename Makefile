# Everything sets itself up: `make demo` and `make test` need only Python >= 3.11 and make.
#
#   TORCH_INDEX=URL   a package index that carries the build of torch you want (CPU or CUDA), beside your default index
#   PYTHON=python3.12 the Python that makes the environment
#   OUT=folder        where `make demo` puts its pages

PYTHON ?= python3
TORCH_INDEX ?=
OUT ?= out
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: help install demo test lint types imports unit test-slow test-web page bench evidence evidence-check wheel clean

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python %d.%d; expected 3.11 or newer; try make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing cutaway into $(VENV) ..."
	$(PIP) -e '.[web]'
	@touch $@

$(VENV)/.tested: pyproject.toml constraints.txt $(VENV)/.installed
	@echo "installing what the tests need ..."
	$(PIP) -e '.[test]'
	@touch $@

install: $(VENV)/.installed  ## the package in .venv

demo: $(VENV)/.installed  ## explain two pictures with shipped networks; pages in out/
	@$(BIN)/cutaway demo --out $(OUT)

test: lint types imports unit  ## lint, types, import contract, tests

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tested
	$(BIN)/mypy

imports: $(VENV)/.tested
	$(BIN)/lint-imports

unit: $(VENV)/.tested
	$(BIN)/pytest -n auto -m 'not slow'

test-slow: $(VENV)/.tested  ## the tests that take minutes
	$(BIN)/pytest -m slow

page:  ## build the workbench's page from its source in web/ (needs Node)
	cd web && npm ci --no-audit --no-fund && npx vite build

test-web: $(VENV)/.tested  ## the built page is that of its source, and works in a real browser (needs Node and Chromium)
	cd web && npm ci --no-audit --no-fund && npm run check
	$(BIN)/python web/check.py
	CUTAWAY_BROWSER=required $(BIN)/pytest tests/browser

bench: $(VENV)/.tested  ## speed, side by side with what one would use instead
	$(BIN)/python evidence/collect.py benchmarks

evidence: $(VENV)/.tested  ## run every script in evidence/ and render docs/evidence.md
	$(BIN)/python evidence/collect.py evidence benchmarks

evidence-check: $(VENV)/.tested  ## docs/evidence.md is what evidence/results renders to
	$(BIN)/python evidence/collect.py --check

wheel: $(VENV)/.tested  ## a wheel in dist/
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) $(OUT) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Everything starts here. `make demo` and `make test` set themselves up; nothing else is needed
# but Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := dev,onnx,docs,timm,tasks,ray
THREADS ?= 2

.PHONY: help setup demo docs test test-all check lint types imports house bench clean

help:  ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# uv installs several times faster than pip; where it cannot be had, pip does the same.
$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "presight needs Python 3.11 or newer: make PYTHON=/path/to/python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing presight and what it needs into $(VENV) (about 6 GB with the GPU build of torch)"
	@if $(BIN)/python -m pip install -q -c constraints.txt uv; then \
	  $(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'; \
	else \
	  $(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'; \
	fi
	@touch $@

setup: $(BIN)/.installed  ## Make the environment

demo: setup  ## Pretrain two methods on embedded scenes, measure them, write a report (6 minutes)
	$(BIN)/presight demo

docs: setup  ## The handbook as pages, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "open site/index.html; to search in it: $(BIN)/python -m http.server -d site"

test: setup check  ## All tests but slow and gpu ones, style, types, imports
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest

test-all: setup check  ## All tests
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -m "" --timeout 600

check: lint types imports house

lint: setup
	$(BIN)/ruff check src tests benchmarks tools examples
	$(BIN)/ruff format --check src tests benchmarks tools examples

types: setup
	$(BIN)/mypy

imports: setup
	PYTHONPATH=src $(BIN)/lint-imports

house: setup
	$(BIN)/python tools/house.py

bench: setup  ## The speed tables (minutes; wants a quiet machine)
	$(BIN)/python -m pip install -q lightly || $(BIN)/uv pip install -q --python $(BIN)/python lightly
	$(BIN)/python benchmarks/views.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/scenes.py
	$(BIN)/python benchmarks/studies.py

clean:  ## Remove what was made here
	rm -rf $(VENV) demo site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup check format test test-all demo wheel

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(BIN)/carcodec ## virtual environment with everything for development

$(BIN)/carcodec: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install '.[test,dev,peers]'
	@touch $@

check: setup ## lint, format, types, architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/architecture

format: setup ## format the sources
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test: setup ## fast tests
	$(BIN)/pytest -n auto

test-all: setup ## fast and slow tests
	$(BIN)/pytest -n auto -m 'slow or not slow'

demo: setup ## the main job on a sample
	$(BIN)/carcodec demo

wheel: setup ## what is published, in dist/
	$(BIN)/python -m build --wheel

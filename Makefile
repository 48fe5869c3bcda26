# Both README commands set everything up by themselves: Python 3.11 or newer, git and make suffice.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CONFIG ?= configs/demo.yaml
ENV := .venv
READY := $(ENV)/.ready
BIN := $(ENV)/bin

# Progress as a bar on a terminal, as lines elsewhere: `make run` is never silent.
export ADRISK_PROGRESS ?= $(shell [ -t 2 ] && echo bar || echo lines)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check bench clean help

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: $(READY)  ## the whole way on synthetic ads, ending with the path of a report
	@$(BIN)/adrisk run $(CONFIG)

test: $(READY)  ## the whole suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY)  ## what CI checks: ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Not cascade.py, which trains on 20,000 ads first; where a cascade was trained already, run
# python evaluation/benchmarks/cascade.py --model FOLDER
bench: $(READY)  ## speed and memory beside other ways, as ratios
	$(BIN)/python evaluation/benchmarks/score.py
	$(BIN)/python evaluation/benchmarks/score.py --ads 300000 --edited
	$(BIN)/python evaluation/benchmarks/memory.py
	$(BIN)/python evaluation/benchmarks/match.py
	$(BIN)/python evaluation/benchmarks/extract.py
	$(BIN)/python evaluation/benchmarks/link.py
	$(BIN)/python evaluation/benchmarks/generate.py
	$(BIN)/python evaluation/benchmarks/encoder.py

clean:  ## remove the environment and what a run wrote
	rm -rf $(ENV) workspace

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "adrisk needs Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "adrisk needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=..."; exit 2; }
	@echo "Setting up $(ENV) from constraints.txt; a few minutes the first time."
	@$(PYTHON) -m venv --clear $(ENV)
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

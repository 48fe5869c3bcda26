# Needs only Python 3.11 or newer, git and make; the targets set up the environment.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CONFIG ?= configs/demo.yaml
ENV := .venv
READY := $(ENV)/.ready
BIN := $(ENV)/bin
# -qq: errors only, as pip warns about every local index without a package. --no-compile: compiling all
# modules takes longer than everything else, and Python compiles those it imports.
INSTALL := $(BIN)/python -m pip install -qq --no-deps --no-compile

# Progress as a bar on a terminal and as lines elsewhere.
export ADRISK_PROGRESS ?= $(shell [ -t 2 ] && echo bar || echo lines)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test coverage check docs bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: $(READY)  ## the whole pipeline on synthetic ads; prints the path of the report
	@$(BIN)/adrisk run $(CONFIG)

test: $(READY)  ## all tests; if CI is set, with coverage and its minimum
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(if $(CI),--cov --cov-report=)

check: $(READY)  ## the checks of CI: ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(READY)  ## the documentation as pages, in site/; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Without cascade.py, which first trains on 20,000 ads. With a trained cascade, run
# python evaluation/benchmarks/cascade.py --model FOLDER
bench: $(READY)  ## speed and memory compared with other tools, as ratios
	$(BIN)/python evaluation/benchmarks/score.py
	$(BIN)/python evaluation/benchmarks/score.py --ads 300000 --edited
	$(BIN)/python evaluation/benchmarks/memory.py
	$(BIN)/python evaluation/benchmarks/match.py
	$(BIN)/python evaluation/benchmarks/extract.py
	$(BIN)/python evaluation/benchmarks/link.py
	$(BIN)/python evaluation/benchmarks/generate.py
	$(BIN)/python evaluation/benchmarks/encoder.py

lock:  ## constraints*.txt for pyproject.toml as it is; UPGRADE=1 takes the newest versions
	$(PYTHON) tools/lock.py $(if $(UPGRADE),--upgrade)

clean:  ## remove the environment and what a run wrote
	rm -rf $(ENV) workspace site

# The lock lists every package with its hashes, so pip resolves nothing. The pip of the lock is installed
# first, as the one of Python takes three times as long. The CPU build of torch is used if pip is
# configured with an index that has it; the build for Linux on PyPI needs CUDA libraries, and `pip check`
# then reports them as missing.
$(READY): pyproject.toml setup.py $(wildcard constraints*.txt)
	@test -n "$(PYTHON)" || { echo "adrisk needs Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "adrisk needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=..."; exit 2; }
	@echo "Setting up $(ENV) from constraints.txt; a few minutes the first time."
	@$(PYTHON) -m venv --clear $(ENV)
	@grep '^pip==' constraints.txt | $(INSTALL) --require-hashes --requirement /dev/stdin
	@$(INSTALL) --require-hashes --requirement constraints-cpu.txt 2>/dev/null || true
	@$(INSTALL) --require-hashes --requirement constraints.txt
	@$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m pip check >/dev/null || $(INSTALL) --require-hashes --requirement constraints-cuda.txt
	@$(BIN)/python -m pip check >/dev/null || $(BIN)/python -m pip check
	@touch $(READY)

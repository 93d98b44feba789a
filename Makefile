# Everything is done in .venv, which is made on first need and again when pyproject.toml changes.

PYTHON ?= python3
ARGS ?=
TEST_ARGS ?=
BENCHMARKS ?= startup memory_per_key slow_reader idle_connections hit_ratio expiry_lag cost_per_request
SCENARIO ?= mix
SEED ?=
MINUTES ?=
NODES ?=
# What compiled code takes part in is tested a second time without it; tests/protocol meets both ways to read and write in one go.
PURE_TESTS ?= tests/speedups/test_init.py tests/keyspace tests/commands tests/server tests/conformance

VENV := .venv
BIN := $(VENV)/bin
NODE_CLIENTS := tests/clients/node
BROWSER := tests/browser
VENDOR := respcache/gateway/static/vendor
UPLOT := 1.6.32
SPEEDUPS := setup.py respcache/__init__.py $(wildcard respcache/_speedups/*.p[yx]*)
SANITIZED := build/sanitized
# Each module writes the pages that follow from the code, and says with --check whether they are stale.
GENERATORS := respcache.app.reference
# An editable installation compiles nothing, and where PYTHONDONTWRITEBYTECODE is set every start would: 0.3 s each.
COMPILE := $(BIN)/python -m compileall -q respcache
# Each worker rewrites the assertions of all tests, unless it finds them rewritten: 7 s of its processor.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
BUILD_TOOLS := $(BIN)/python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"]))'
IS_COMPILED := $(BIN)/python -c 'import respcache._speedups as s; raise SystemExit(not s.IS_COMPILED)'
# A module that is loaded into an ordinary Python finds its sanitizer only where that is loaded first. Python frees little
# at its end, and its own allocator hides what the sanitizer looks for.
UNDER_SANITIZER := LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1

.DEFAULT_GOAL := help
.PHONY: help run test check conformance sanitize faults bench docs build node-clients browser pictures vendor clean

help:          ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV)/.speedups  ## start the server, e.g. make run ARGS="--port 6380"
	@exec $(BIN)/respcache serve $(ARGS)

build: $(VENV)/.speedups  ## compile respcache/_speedups, where there is a compiler

test: $(VENV)/.tests $(VENV)/.speedups  ## run all tests, and then again without compiled code those that it concerns
	$(PYTEST) -n 3 $(TEST_ARGS)
	@if $(IS_COMPILED); then set -x; RESPCACHE_PURE=1 $(PYTEST) -n 3 $(or $(TEST_ARGS),$(PURE_TESTS)); fi

check: $(VENV)/.tests  ## format, lint, types, import rules, fresh pages, the shape of the tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	for generator in $(GENERATORS); do $(BIN)/python -m $$generator --check || exit 1; done
	$(BIN)/pytest -q tests/test_architecture.py

conformance: $(VENV)/.tests $(VENV)/.speedups  ## compare with redis-server and try real clients only
	$(BIN)/pytest -n 2 tests/conformance tests/clients $(TEST_ARGS)

sanitize: $(SANITIZED)/.built  ## run the tests of compiled code under AddressSanitizer, with all checks on
	cp -R respcache tests pyproject.toml $(SANITIZED) && rm -f $(SANITIZED)/respcache/_speedups/*.so
	cp $(SANITIZED)/lib/respcache/_speedups/*.so $(SANITIZED)/respcache/_speedups
	cd $(SANITIZED) && $(UNDER_SANITIZER) ../../$(BIN)/python -m pytest --timeout 300 $(or $(TEST_ARGS),tests/speedups)

faults: $(VENV)/.tests $(VENV)/.speedups  ## put a cluster through random faults, e.g. make faults SEED=7 MINUTES=30 NODES=5
	$(BIN)/python -m tests.faults $(SCENARIO) $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(NODES),--nodes $(NODES)) $(ARGS)

bench: $(VENV)/.speedups  ## measure beside redis-server; one script: make bench BENCHMARKS=startup
	@failed=; for script in $(BENCHMARKS); do \
		echo "== $$script"; $(BIN)/python benchmarks/$$script.py $(ARGS) || failed="$$failed $$script"; \
	done; test -z "$$failed" || { echo "not as expected:$$failed"; exit 1; }

docs: $(VENV)/.server  ## write the pages that follow from the code
	for generator in $(GENERATORS); do $(BIN)/python -m $$generator || exit 1; done

node-clients: $(NODE_CLIENTS)/node_modules/.package-lock.json  ## install the Node.js clients for the tests

browser: $(BROWSER)/node_modules/.package-lock.json  ## install what steers a browser, for the tests

pictures: browser $(VENV)/.tests $(VENV)/.speedups  ## take the pictures of the documentation anew
	RESPCACHE_PICTURES=docs/images $(PYTEST) tests/browser -k three_nodes

vendor:        ## fetch the code of others that the dashboard is served with
	rm -rf build/vendor && mkdir -p build/vendor
	cd build/vendor && npm pack --silent uplot@$(UPLOT) && tar xzf uplot-$(UPLOT).tgz
	cp build/vendor/package/dist/uPlot.iife.min.js build/vendor/package/dist/uPlot.min.css $(VENDOR)
	cp build/vendor/package/LICENSE $(VENDOR)/uPlot.LICENSE.txt

clean:         ## remove what was installed and cached here
	rm -rf $(VENV) $(NODE_CLIENTS)/node_modules $(BROWSER)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build respcache/_speedups/*.so

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The extension is a rule of its own: pip would translate everything again, and tell nobody of errors.
$(VENV)/.server: pyproject.toml | $(BIN)/python
	$(BUILD_TOOLS) | $(PIP) --requirement /dev/stdin
	RESPCACHE_PURE=1 $(PIP) --no-build-isolation --editable .
	$(COMPILE)
	@touch $@

# Without a compiler everything works, more slowly; where no tool may be missing (.ci/run) it is an error.
$(VENV)/.speedups: $(SPEEDUPS) $(VENV)/.server
	RESPCACHE_PURE= $(BIN)/python setup.py --quiet build_ext --inplace || test "$$RESPCACHE_REQUIRE_TOOLS" != 1
	@touch $@

# redis-py 5 lies beside the environment, not in it: the tests run both lines of redis-py.
$(VENV)/.tests: pyproject.toml $(VENV)/.server
	RESPCACHE_PURE=1 $(PIP) --no-build-isolation --editable '.[test,fuzz]'
	$(PIP) --upgrade --target $(VENV)/redis-py-5 'redis>=5,<6'
	@touch $@

$(SANITIZED)/.built: $(SPEEDUPS) $(VENV)/.tests
	rm -rf $(SANITIZED)
	RESPCACHE_PURE= RESPCACHE_DEBUG_BUILD=1 RESPCACHE_SANITIZE=address,undefined $(BIN)/python setup.py --quiet \
		build_ext --build-temp $(SANITIZED)/temp --build-lib $(SANITIZED)/lib
	@touch $@

$(NODE_CLIENTS)/node_modules/.package-lock.json: $(NODE_CLIENTS)/package-lock.json
	npm ci --prefix $(NODE_CLIENTS) --no-audit --no-fund
	@touch $@

$(BROWSER)/node_modules/.package-lock.json: $(BROWSER)/package-lock.json
	npm ci --prefix $(BROWSER) --no-audit --no-fund
	@touch $@

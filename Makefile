# `make demo`, `make up` and `make test` each work as the first command: they need Python 3.11 or newer, and
# make everything else in .venv/. Nothing is installed twice; a changed lock file is installed again.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# uv takes 5 s where pip takes 80, but knows no pip.conf: where it reaches no packages, pip installs them.
INSTALL_LOCKED = UV_HTTP_TIMEOUT=15 $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --python $(1) -r $(2) \
	2>/dev/null || $(1) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $(2)
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header
# WORKERS is how many tests run at once: auto is twice the processors, logical as many as there are processors. Options
# of PYTEST_ADDOPTS come later and so win. Tests start Herald's processes hundreds of times: where bytecode may not be
# written, each start would compile its modules anew, and each worker all tests.
RUN_TESTS = PYTHONDONTWRITEBYTECODE= PYTEST_ADDOPTS="-n $(or $(WORKERS),$(1)) --dist worksteal $$PYTEST_ADDOPTS" $(BIN)/python -m pytest

NPM := $(and $(shell command -v node),$(shell command -v npm))
JAVASCRIPT := $(VENV)/javascript/node_modules/.bin
OPENAPI_LINTERS := $(VENV)/openapi/node_modules/.bin
BIOME := $(JAVASCRIPT)/biome lint --config-path=tools/javascript --error-on-warnings --reporter=concise
# The document, the rules and the linters: what tools/openapi/linted.sha256 says was linted without a finding.
OPENAPI_LINTED := docs/openapi.json $(addprefix tools/openapi/,redocly.yaml .redocly.lint-ignore.yaml spectral.yaml package.json)
JAVASCRIPT_FILES := services/api/console/files services/api/pages/files tests/support/oidc/server.js

.PHONY: help demo up check unit test coverage chaos oncall model mutants setup hooks lint javascript openapi-lint openapi-lint-anew types format lock fuzz openapi rules bench bench-api bench-celery bench-compare bench-steady smoke clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/native.stamp ## Send one mailing to 1,000 sample clients and compare the books
	@$(BIN)/herald demo

up: $(VENV)/native.stamp ## Run the whole stack on this machine; WORKERS=2 for two dispatchers, ARGS="--private-broker"
	@$(BIN)/herald up $(if $(WORKERS),--workers $(WORKERS)) $(ARGS)

check: lint types unit ## Check format, style and types, and run the unit tests: under a minute

unit: $(VENV)/dev.stamp ## Run the unit tests; ARGS="-k retry"
	@$(call RUN_TESTS,logical) tests/unit --quiet $(ARGS)

test: setup ## Set up, check and run all tests; WORKERS=8 at once, ARGS="-k retry"
	@$(MAKE) --no-print-directory --jobs 2 lint types
	@$(BIN)/python -m tests.support.prepare
	@$(call RUN_TESTS,auto) $(ARGS)

coverage: setup ## Run all tests, and measure which lines they run in their own processes; takes half as long again
	@$(BIN)/python -m tests.support.prepare
	@$(call RUN_TESTS,auto) --cov

chaos: setup ## Break everything in turn, and print what became of the messages
	@$(BIN)/python -m tests.support.prepare chaos
	@$(call RUN_TESTS,auto) tests/chaos -m "" --dist load --maxschedchunk 1 $(ARGS)

oncall: setup ## Play faults against Prometheus, and print which alerts name them; ARGS="-k token"
	@$(BIN)/python -m tests.support.prepare
	@rm -rf .cache/oncall
	@$(call RUN_TESTS,logical) tests/oncall -m "" $(ARGS); status=$$?; $(BIN)/python -m tests.oncall.report; exit $$status

model: $(VENV)/dev.stamp ## Try the protocol in every order of events, far more than `make test`; ARGS="-k edit"
	@$(BIN)/python -m tests.model $(ARGS)

mutants: setup ## Take one mechanism out at a time, and see a test fail; ARGS="-k stale"
	@$(BIN)/python -m tests.mutants $(ARGS)

setup: $(VENV)/dev.stamp $(VENV)/generator.stamp ## Make .venv with all that development needs

hooks: $(VENV)/dev.stamp ## Have git run make lint and make types before each commit
	@$(BIN)/pre-commit install

lint: $(VENV)/dev.stamp javascript openapi-lint ## Check style and formatting
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet

# Nothing else needs Node.js, so its absence is an error in continuous integration alone. Biome has no quiet mode.
javascript: $(if $(NPM),$(VENV)/javascript/api.d.ts) ## Check the JavaScript of the console; needs Node.js
ifneq ($(NPM),)
	@$(JAVASCRIPT)/tsc --project tools/javascript
	@found=$$($(BIOME) $(JAVASCRIPT_FILES) 2>&1) || { echo "$$found" >&2; exit 1; }
else
	@echo "skipped: the JavaScript of the console is not checked, because Node.js and npm are not installed" >&2
	@test "$$CI" != true
endif

# Two linters with five hundred packages: they are installed where the document differs from the one that was linted last.
openapi-lint: ## Check docs/openapi.json with Redocly and Spectral, if it changed; needs Node.js
	@sha256sum --check --quiet tools/openapi/linted.sha256 >/dev/null 2>&1 || $(MAKE) --no-print-directory openapi-lint-anew

openapi-lint-anew: $(if $(NPM),$(VENV)/openapi.stamp)
ifneq ($(NPM),)
	@found=$$(REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(OPENAPI_LINTERS)/redocly lint docs/openapi.json \
		--config=tools/openapi/redocly.yaml --format=stylish 2>&1) || { echo "$$found" >&2; exit 1; }
	@found=$$($(OPENAPI_LINTERS)/spectral lint docs/openapi.json --ruleset=tools/openapi/spectral.yaml \
		--fail-severity=hint 2>&1) || { echo "$$found" >&2; exit 1; }
	@sha256sum $(OPENAPI_LINTED) > tools/openapi/linted.sha256
else
	@echo "skipped: docs/openapi.json is not checked, because Node.js and npm are not installed" >&2
	@test "$$CI" != true
endif

types: $(VENV)/dev.stamp ## Check types
	@$(BIN)/mypy --no-error-summary

format: $(VENV)/dev.stamp ## Put the code into the house style
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

lock: $(VENV)/dev.stamp ## Choose new versions of all dependencies: ARGS=--upgrade
	@$(COMPILE) $(ARGS) --extra tracing -o requirements.lock
	@$(COMPILE) $(ARGS) --extra tracing --extra native -c requirements.lock -o requirements-native.lock
	@$(COMPILE) $(ARGS) --extra tracing --extra native --extra dev -c requirements-native.lock -o requirements-dev.lock
	@$(COMPILE:pyproject.toml=-) $(ARGS) -o requirements-generator.lock < requirements-generator.in
	@$(COMPILE:pyproject.toml=-) $(ARGS) -o requirements-celery.lock < requirements-celery.in

fuzz: setup ## Try the API with far more generated requests than `make test`; CASES=1000
	@HERALD_TEST_FUZZ_CASES=$(or $(CASES),1000) $(BIN)/python -m pytest tests/contract/test_contract.py

openapi: $(VENV)/dev.stamp ## Write docs/openapi.json anew
	@$(BIN)/python -m services.api.openapi > docs/openapi.json.new
	@mv docs/openapi.json.new docs/openapi.json

rules: $(VENV)/dev.stamp ## Write the alert rules of Kubernetes anew
	@$(BIN)/python -m tests.support.monitoring.kubernetes_rules

bench: $(VENV)/native.stamp ## Measure this installation; ARGS="--messages 20000"
	@$(BIN)/herald bench $(ARGS)

bench-api: $(VENV)/native.stamp ## Measure the API, idle and while a mailing is sent
	@$(BIN)/herald bench --api --output bench-api.json $(ARGS)

bench-celery: $(VENV)/native.stamp $(VENV)/celery.stamp ## Measure Herald beside a service made with Celery
	@$(BIN)/python -m bench.celery $(ARGS)

bench-compare: $(VENV)/native.stamp ## Measure this checkout and BASE=v0.1.0 in turn; PAIRS=3 ARGS="--messages 5000"
	@test -n "$(BASE)" || { echo "say what to compare with: make bench-compare BASE=v0.1.0" >&2; exit 2; }
	@$(BIN)/python -m bench.compare "$(BASE)" --pairs $(or $(PAIRS),3) $(if $(BASE_BROKER),--base-broker $(BASE_BROKER)) -- $(ARGS)

bench-steady: $(VENV)/native.stamp ## Measure whether sending is steady: ARGS=far, small, failing or edits
	@$(BIN)/python -m bench.steady $(ARGS)

smoke: ## Prove the containers: build, kill, compare, remove; needs Docker
	@deploy/smoke.sh

clean: ## Remove .venv and caches, not the data under .herald/
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .cache/coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The newest Python that is there. A version manager's stub may stand for a version that is not, so each is tried.
define MAKE_VENV
set -e; \
if $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
echo "making $(VENV)"; \
python=; \
for candidate in python3.13 python3.12 python3.11 python3; do \
	if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "Herald needs Python 3.11 or newer, and found none: install it and run make again." >&2; exit 1; \
fi; \
if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	version=$$($$python -c 'import sys; print("python%d.%d" % sys.version_info[:2])'); \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $$version-venv"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$version-venv >/dev/null; \
	else \
		echo "$$python has no venv module: run 'apt-get install $$version-venv' as root, then make again." >&2; exit 1; \
	fi; \
fi; \
$$python -m venv --clear $(VENV)
endef

$(VENV)/made.stamp:
	@$(MAKE_VENV)
	@touch $@

$(VENV)/native.stamp: $(VENV)/made.stamp requirements-native.lock pyproject.toml
	@echo "installing what is locked in requirements-native.lock"
	@$(INSTALL) --require-hashes -r requirements-native.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made.stamp requirements-dev.lock pyproject.toml
	@echo "installing what is locked in requirements-dev.lock"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > $(VENV)/uv.txt
	@$(INSTALL) --require-hashes -r $(VENV)/uv.txt
	@$(call INSTALL_LOCKED,$(BIN)/python,requirements-dev.lock)
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/javascript.stamp $(VENV)/openapi.stamp: $(VENV)/%.stamp: $(VENV)/made.stamp tools/%/package-lock.json
	@echo "installing what is locked in tools/$*/package-lock.json"
	@mkdir -p $(VENV)/$*
	@cp tools/$*/package.json tools/$*/package-lock.json tools/$*/.npmrc $(VENV)/$*/
	@npm ci --prefix $(VENV)/$* --loglevel=error >/dev/null
	@touch $@

# The types of the API, with which the requests of the console are checked.
$(VENV)/javascript/api.d.ts: $(VENV)/javascript.stamp docs/openapi.json
	@$(JAVASCRIPT)/openapi-typescript docs/openapi.json --root-types --root-types-no-schema-prefix --output $@ >/dev/null

# Environments of their own: see docs/decisions/0011-client-generator.md and 0060-beside-celery.md.
$(VENV)/generator.stamp $(VENV)/celery.stamp: $(VENV)/%.stamp: $(VENV)/dev.stamp requirements-%.lock
	@echo "installing what is locked in requirements-$*.lock"
	@$(BIN)/python -m venv --clear $(VENV)/$*
	@$(call INSTALL_LOCKED,$(VENV)/$*/bin/python,requirements-$*.lock)
	@touch $@

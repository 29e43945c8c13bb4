# Everything runs from one virtual environment, made here: Python >= 3.11 with its venv module is all that must be there.

PYTHON  ?= python3
# How many test processes; auto is one a core.
WORKERS ?= auto
# Handed on to the command of run, test, bench, peers, mutate, soak and revocations.
ARGS    ?=

venv  := .venv
bin   := $(venv)/bin
stamp := $(venv)/.installed

compiled := .compiled
sources  := $(shell find apidocs compliance gateway registry metrics loadtests -name '*.py' -o -name '*.toml' -o -name '*.lua' -o -name '*.tsv' 2>/dev/null)
# Compiled packages before those of the checkout, if they are there.
fast      = PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/$(compiled)/packages:$(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help run test lint bench peers screenshots mutate soak revocations compiled clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  ARGS="..." is handed on: make run ARGS="--data-dir D --port-base P", make test ARGS="-k opt_out"'

run: $(stamp) ## install what is missing, start everything with a demo company, stay up until Ctrl-C
	@if $(MAKE) --no-print-directory --question $(compiled)/.built 2>/dev/null; then $(fast) exec $(bin)/a2p-gateway up $(ARGS); else \
		exec $(bin)/a2p-gateway up $(ARGS); fi

test: lint ## lint, then all tests; what is skipped is listed with its reason, what fails at the end with its name
	$(bin)/python -m pytest -n $(WORKERS) --dist loadgroup -rsfE $(ARGS)

lint: $(stamp) ## style, format, types, and who may import whom
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports

bench: $(stamp) ## measure ourselves, compiled where there is a C compiler, beside the floor of the stack and of the store
	@if command -v cc >/dev/null; then $(MAKE) --no-print-directory compiled; else rm -rf $(compiled); \
		echo 'no C compiler: everything is measured as plain Python'; fi
	$(fast) $(bin)/python -m loadtests.bench $(ARGS)

# RUNLEVEL=1 keeps the package from starting a service.
peers: $(stamp) ## measure ourselves beside Kannel (root installs Debian's package where it is missing)
	@command -v bearerbox >/dev/null || [ ! -x /usr/bin/apt-get ] || [ "$$(id -u)" != 0 ] || { apt-get update -qq && \
		RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends kannel; } >/dev/null || true
	@if command -v cc >/dev/null; then $(MAKE) --no-print-directory compiled; else rm -rf $(compiled); fi
	$(fast) $(bin)/python -m loadtests.peers $(ARGS)

compiled: $(compiled)/.built ## make send path and worker machine code in .compiled/, beside the checkout (needs cc; 3 minutes)

# In a copy, for the compiler leaves things where it works.
$(compiled)/.built: $(stamp) $(sources)
	@echo 'compiling into $(compiled) ...'
	@rm -rf $(compiled) && mkdir -p $(compiled)/source
	@cp -r pyproject.toml README.md LICENSE apidocs compliance gateway registry metrics loadtests $(compiled)/source
	@$(bin)/python -m pip --version >/dev/null 2>&1 || $(bin)/python -m ensurepip >/dev/null
	@HATCH_BUILD_HOOKS_ENABLE=1 $(bin)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--target $(compiled)/packages $(compiled)/source
	@rm -rf $(compiled)/source
	@touch $@

soak: $(stamp) ## kill, freeze and restart every process under load, run after run (ARGS="--hours 8")
	$(bin)/python -m loadtests.faults --hours 1 $(ARGS)

revocations: $(stamp) ## take 500 registrations away while things break, and see when the last text went out
	$(bin)/python -m loadtests.faults.revocation $(ARGS)

screenshots: $(stamp) ## take the README's pictures of the console anew (needs chromium)
	$(bin)/python -m tests.screenshots

mutate: $(stamp) ## break the code on purpose and see whether the tests notice
	$(bin)/python -m tests.mutation $(ARGS)

clean: ## remove the environment, caches and reports; var/, the data, stays
	rm -rf $(venv) $(compiled) bench-out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment whose interpreter has gone (a new system Python) is made anew. uv where it is and works, since it is ten
# times faster; pip everywhere else.
$(stamp): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python >= 3.11 is needed: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(bin)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(venv)
	@echo 'installing into $(venv) ...'
	@if uv --version >/dev/null 2>&1 && \
		uv pip install --quiet --python $(bin)/python -c constraints.txt -e '.[dev]'; then :; else \
		{ $(bin)/python -m pip --version >/dev/null 2>&1 || $(bin)/python -m ensurepip >/dev/null; } && \
		$(bin)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

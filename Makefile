# Every command a user or contributor needs; each installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

HOOK := receiver/milepost-hook.pyz

.PHONY: install hook run demo test lint lock corpus clean

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

build/milepost-hook.pyz: hooks/requirements.lock $(wildcard hooks/*.py) | $(VENV)/.installed
	rm -rf build/hook
	$(BIN)/pip install --quiet --require-hashes --no-deps --no-compile --target build/hook \
		--only-binary :all: --python-version 3.9 --implementation py --abi none --platform any -r $<
	$(BIN)/python -m hooks.bundle build/hook $@

$(HOOK): build/milepost-hook.pyz
	install -m 644 $< $@

install: $(VENV)/.installed $(HOOK)

hook: $(HOOK)  ## the hook as one file: build/milepost-hook.pyz, and what a receiver serves at /hook

lock:  ## pin every dependency again; needs uv
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	uv pip compile -q --python-version 3.9 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links hooks/requirements.in -o hooks/requirements.lock

run: install  ## serve on this machine, with an embedded PostgreSQL
	$(BIN)/milepost serve --local --bind 127.0.0.1:8080

demo: install  ## real Packer builds, reported to the receiver of `make run`
	tests/system-packages.sh packer
	$(BIN)/milepost demo

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint hook  ## everything
	tests/system-packages.sh packer shellcheck curl openssl nginx
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest

corpus: $(VENV)/.dev  ## post a folder of payloads: make corpus DIR=path
	$(BIN)/python -m tests.corpus "$(DIR)"

clean:
	rm -rf $(VENV) build dist *.egg-info bench.json
